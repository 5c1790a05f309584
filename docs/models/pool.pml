/* check: -DDEATHS=1 -DTASKS=3 ; -DSAFETY ; -m100000 */
/* check: -DDEATHS=2 -DTASKS=2 ; -DSAFETY ; -m100000 */
/*
 * A pool whose workers die between any two stores, and its parent, which finds out what they had
 * (docs/layout/pool.md).
 *
 * Two seats. The worker in a seat takes tasks under the lock for getting and answers each before it
 * takes the next. DEATHS workers die, or fewer, anywhere; the parent gives the seat of a dead one to
 * another once it has decided which task was lost with it. Who finds the lock with a dead owner
 * takes it over and repairs. What the channel of answers does with deaths is channel.pml's: here to
 * put an answer is one store, and to get one is another. All tasks have been put.
 *
 * Checked: every task is answered once, or lost once and never answered; it is lost only if a dead
 * worker took it; a dead worker's seat names it (that worker's own, or of one that died when it had
 * noted the task, and whose death the parent heard of later); nobody waits for ever (no invalid end
 * state). A step of the model is one store, or one load, of the program.
 *
 * Each of these is found out when it is changed: the note, and its place before the commit; that the
 * seat is not emptied before the answer; asking what was taken, before the seats of the living are
 * read; reading those, before the answers are got; getting these; emptying the seat of the dead; the
 * repair; and taking the lock over.
 */
#define SEATS   2
#define WORKERS (SEATS + DEATHS)   /* one after the other in their seats */
#define PARENT  WORKERS
#define NOBODY  255

mtype = { waiting, going, gone };

/* Shared. */
mtype message[TASKS] = waiting;     /* the owner of each task's message */
byte taken;                         /* the progress of getting */
byte get_lock = NOBODY;
byte at[SEATS] = NOBODY;
bool answered[TASKS];
byte answers;                       /* how many the parent has not got */
byte closed_tasks;                  /* how many the parent has done with: no more will come */

bool dead[WORKERS];
byte deaths = DEATHS;

/* What only the model knows. */
byte taker[TASKS] = NOBODY;

/* The parent's own. */
bool got[TASKS], lost[TASKS];
byte in_seat[SEATS];

#define MAY_DIE(me) \
  if \
  :: atomic { me != PARENT && deaths > 0 -> deaths--; dead[me] = true; goto died } \
  :: true \
  fi

#define IS_DEAD(who) (who < WORKERS && dead[who])

/* What was not committed is for others, what was goes with the dead. */
inline repair(me) {
  b = 0;
  do
  :: b < TASKS ->
     MAY_DIE(me);
     if
     :: atomic { message[b] == going && b == taken -> message[b] = waiting }
     :: atomic { message[b] == going && b != taken -> message[b] = gone }
     :: message[b] != going
     fi;
     b++
  :: b == TASKS -> break
  od
}

inline acquire(me) {
  if
  :: atomic { get_lock == NOBODY -> get_lock = me; over = false }
  :: atomic { get_lock != NOBODY && IS_DEAD(get_lock) -> get_lock = me; over = true }
  fi;
  if :: over -> repair(me) :: else fi
}

proctype Worker(byte me; byte seat) {
  byte b, mine;
  bool over;
  do
  :: closed_tasks == TASKS -> goto died       /* the pool closes */
  :: taken < TASKS ->
     MAY_DIE(me);
     acquire(me);
     MAY_DIE(me);
     if
     :: taken < TASKS ->
        mine = taken;
        assert(message[mine] == waiting);
        at[seat] = mine;                      /* the note */
        MAY_DIE(me);
        message[mine] = going;
        MAY_DIE(me);
        atomic { taken++; taker[mine] = me }; /* the commit */
        MAY_DIE(me);
        message[mine] = gone;
        MAY_DIE(me);
        get_lock = NOBODY;
        MAY_DIE(me);
        atomic { assert(!answered[mine]); answered[mine] = true; answers++ };
        MAY_DIE(me);
        at[seat] = NOBODY
     :: else -> get_lock = NOBODY
     fi
  od;
died: skip
}

inline get_answer(task) {
  answers--; got[task] = true; assert(!lost[task]); closed_tasks++
}

proctype Parent() {
  byte b, n, seat, other, most;
  byte named, next = SEATS;
  bool over;
  bool may_be_lost[TASKS];
  do
  :: closed_tasks == TASKS -> break

  /* An answer, at any time. */
  :: atomic { answers > 0 -> n = 0;
              do :: !answered[n] || got[n] -> n++ :: else -> break od;
              get_answer(n) }

  /* A death. */
  :: atomic { (dead[in_seat[0]] || dead[in_seat[1]]) ->
              if :: dead[in_seat[0]] -> seat = 0 :: dead[in_seat[1]] -> seat = 1 fi };
     other = 1 - seat;
     acquire(PARENT);
     most = taken;
     get_lock = NOBODY;
     n = 0;
     do
     :: n < TASKS -> may_be_lost[n] = n < most && !got[n] && !lost[n]; n++
     :: else -> break
     od;
     /* The seat of the living, if it lives. */
     named = at[other];
     if :: named != NOBODY -> may_be_lost[named] = false :: else fi;
     n = 0;
     do
     :: n < TASKS ->
        if
        :: atomic { answered[n] && !got[n] -> get_answer(n) }
        :: !answered[n] || got[n]
        fi;
        n++
     :: else -> break
     od;
     n = 0;
     do
     :: atomic { n < TASKS ->
        if
        :: may_be_lost[n] && !got[n] ->
           assert(at[seat] == n);
           assert(dead[taker[n]] && !answered[n]);
           lost[n] = true;
           closed_tasks++
        :: else
        fi;
        may_be_lost[n] = false;
        n++ }
     :: else -> break
     od;
     at[seat] = NOBODY;
     atomic { in_seat[seat] = next; run Worker(next, seat); next++ }
  od;
  /* Each once: not both, not twice (closed_tasks would be too many), not neither. */
  n = 0;
  do
  :: n < TASKS -> assert(got[n] != lost[n]); n++
  :: else -> break
  od
died: skip
}

init {
  atomic {
    in_seat[0] = 0; in_seat[1] = 1;
    run Worker(0, 0); run Worker(1, 1);
    run Parent()
  }
}
