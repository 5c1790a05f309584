/* check: -DDEATHS=1 ; -DSAFETY ; -m100000 */
/* check: -DDEATHS=2 ; -DSAFETY ; -m100000 */
/*
 * A channel, its two locks, and processes that die between any two stores (docs/layout/channel.md).
 *
 * Two putters put one message each, two getters take what comes, and a reclaimer takes back what the
 * dead held. DEATHS of the putters and getters die, anywhere. Who finds a lock whose owner is dead
 * takes it over and repairs; who repairs may die too.
 *
 * Checked: nobody waits for ever (no invalid end state); a message is delivered at most once; one
 * whose put returned is delivered, unless a getter died that had taken it; in the end every block is
 * free. A step of the model is one store, or one load, of the program.
 */
#define PUTTERS 2
#define GETTERS 2
#define MEMBERS (PUTTERS + GETTERS)
#define NOBODY  255

mtype = { free, held, putting, queued, taking };

/* One block a putter, block p being its message. */
mtype state[PUTTERS];
byte member[PUTTERS];
byte sequence[PUTTERS];

byte record[PUTTERS];   /* which block the n-th message is */
byte published, taken;  /* the progress words */
byte put_lock = NOBODY, get_lock = NOBODY;

bool dead[MEMBERS];
byte deaths;            /* so many may still die */
byte living_getters = GETTERS;

bool put_returned[PUTTERS];
byte delivered[PUTTERS];
bool lost_with_getter[PUTTERS];
byte putters_gone, getters_gone;

#define MAY_DIE(me) \
  if \
  :: atomic { deaths > 0 && (me < PUTTERS || living_getters > 1) -> \
       deaths--; dead[me] = true; \
       if :: me >= PUTTERS -> living_getters-- :: else fi; goto gone } \
  :: true \
  fi

/* Takes a lock; `over` tells that it was taken over from the dead. */
#define ACQUIRE(lock, me, over) \
  if \
  :: atomic { lock == NOBODY -> lock = me; over = false } \
  :: atomic { lock != NOBODY && lock < MEMBERS && dead[lock] -> lock = me; over = true } \
  fi

/* What a dead putter left: committed is the channel's, the rest is free. */
#define REPAIR_PUTTING(b, me) \
  b = 0; \
  do \
  :: b < PUTTERS -> \
     MAY_DIE(me); \
     if \
     :: atomic { state[b] == putting && sequence[b] == published -> state[b] = free } \
     :: atomic { state[b] == putting && sequence[b] != published -> state[b] = queued } \
     :: state[b] != putting \
     fi; \
     b++ \
  :: else -> break \
  od

/* What a dead getter left: committed was its own and is free now, the rest is the channel's still. */
#define REPAIR_GETTING(b, me) \
  b = 0; \
  do \
  :: b < PUTTERS -> \
     MAY_DIE(me); \
     if \
     :: atomic { state[b] == taking && sequence[b] == taken -> state[b] = queued } \
     :: atomic { state[b] == taking && sequence[b] != taken -> \
                 state[b] = free; lost_with_getter[b] = true } \
     :: state[b] != taking \
     fi; \
     b++ \
  :: else -> break \
  od

proctype Putter(byte me) {
  byte b;
  bool over;
  MAY_DIE(me);
  ACQUIRE(put_lock, me, over);
  if :: over -> REPAIR_PUTTING(b, me) :: else fi;
  MAY_DIE(me);
  record[published] = me;
  MAY_DIE(me);
  atomic { state[me] = putting; sequence[me] = published };  /* one owner word */
  MAY_DIE(me);
  published++;                                               /* the commit */
  MAY_DIE(me);
  if
  :: atomic { state[me] == putting -> state[me] = queued }   /* an exchange: a getter may be ahead */
  :: state[me] != putting
  fi;
  MAY_DIE(me);
  put_lock = NOBODY;
  put_returned[me] = true;
gone:
  putters_gone++
}

proctype Getter(byte me) {
  byte b, mine;
  bool over;
  do
  :: published == taken && putters_gone == PUTTERS -> break
  :: published != taken ->
     MAY_DIE(me);
     if
     :: atomic { get_lock == NOBODY -> get_lock = me; over = false }
     :: atomic { get_lock != NOBODY && get_lock < MEMBERS && dead[get_lock] ->
                 get_lock = me; over = true }
     :: published == taken -> goto next                      /* others took it while we waited */
     fi;
     if :: over -> REPAIR_GETTING(b, me) :: else fi;
     MAY_DIE(me);
     if
     :: published != taken ->
        mine = record[taken];
        assert(state[mine] == queued || state[mine] == putting);
        MAY_DIE(me);
        atomic { state[mine] = taking; member[mine] = me; sequence[mine] = taken };
        MAY_DIE(me);
        taken++;                                             /* the commit */
        MAY_DIE(me);
        state[mine] = held;
        MAY_DIE(me);
        get_lock = NOBODY;
        if
        :: atomic { deaths > 0 && living_getters > 1 ->      /* taken, and then lost with its taker */
             deaths--; dead[me] = true; living_getters--; lost_with_getter[mine] = true; goto gone }
        :: true
        fi;
        delivered[mine]++;
        assert(delivered[mine] == 1);
        state[mine] = free
     :: else -> get_lock = NOBODY
     fi;
next: skip
  od;
gone:
  getters_gone++
}

/* Comes when all others are gone, as the last of the family does; by then nobody dies any more. */
proctype Reclaimer() {
  byte b;
  bool over;
  atomic { putters_gone == PUTTERS && getters_gone == GETTERS -> deaths = 0 };
  assert(published == taken);
  if
  :: put_lock != NOBODY -> assert(dead[put_lock]); put_lock = MEMBERS; REPAIR_PUTTING(b, MEMBERS)
  :: else
  fi;
  if
  :: get_lock != NOBODY -> assert(dead[get_lock]); get_lock = MEMBERS; REPAIR_GETTING(b, MEMBERS)
  :: else
  fi;
  b = 0;
  do
  :: b < PUTTERS ->
     if
     :: state[b] == held && dead[member[b]] ->
        lost_with_getter[b] = lost_with_getter[b] || member[b] >= PUTTERS;
        state[b] = free
     :: else
     fi;
     assert(state[b] == free);
     assert(!put_returned[b] || delivered[b] == 1 || lost_with_getter[b]);
     assert(!(delivered[b] == 1 && lost_with_getter[b]));
     b++
  :: else -> break
  od;
gone: skip
}

init {
  byte b;
  atomic {
    deaths = DEATHS;
    do
    :: b < PUTTERS -> state[b] = held; member[b] = b; b++
    :: else -> break
    od;
    run Putter(0); run Putter(1);
    run Getter(PUTTERS); run Getter(PUTTERS + 1);
    run Reclaimer()
  }
}
