/* check: -DTOGETHER=0 -DDEATHS=2 -DMOST=1 ; -DSAFETY ; -m100000 */
/* check: -DTOGETHER=0 -DDEATHS=1 -DMOST=3 ; -DSAFETY ; -m100000 */
/* check: -DTOGETHER=1 -DDEATHS=1 -DMOST=1 -DRECLAIM ; -DSAFETY ; -m100000 */
/*
 * A condition (docs/layout/condition.md), and the user's lock that goes with it.
 *
 * Three waiters: the second may be interrupted once it was notified, and the time of the third may
 * be over. A notifier notifies the MOST that have waited longest; with 3 it first says that it is
 * open, after which nobody begins to wait. DEATHS of their processes, or fewer, die anywhere; the
 * first two waiters are threads of one process where they are TOGETHER. With RECLAIM one dead
 * process is reclaimed. Who finds the record's lock with a dead owner repairs; who repairs may die
 * too. A sleep is left out: it ends with its slice, whoever is dead.
 *
 * Checked: a notification is not spent on the dead: while a living waiter waits that waited when it
 * was given, somebody came back with it; nobody comes back with one that was not given, or was given
 * before it came; no wake-up is lost: when a notifier has told all, nobody living waits; both locks
 * pass on from the dead, and nobody else waits for ever (no invalid end state); of a process that
 * was reclaimed no seat is left. A step of the model is one store of the program, with the loads of
 * what nobody else may change meanwhile.
 *
 * Each of these is found out when it is changed: the note of what is being passed on; the repair,
 * and `until` in it; `until` before the state; the look of the waiters for the dead that were
 * notified; freeing the seats of the dead that wait before passing on; keeping one's seat until one
 * has the user's lock again; taking it before the user's lock is released; the tickets.
 */
#define WAITERS   3
#define NOTIFIER  3
#define RECLAIMER 4
#define NOBODY    255

/* The process of a thread. */
#define MEMBER(thread) (TOGETHER && thread == 0 -> 1 : thread)

mtype = { free, waiting, notified };

byte user = NOBODY;   /* the user's lock: which thread has it */
byte lock = NOBODY;   /* the record's */

byte tickets;
mtype state[WAITERS] = free;
byte owner[WAITERS], ticket[WAITERS], until[WAITERS];
byte passing = NOBODY, passing_to;   /* one word */

bool dead[5];
byte running[5];   /* threads */
byte deaths;

/* What only the model knows. */
byte given[WAITERS + 1], returned[WAITERS + 1];   /* notifications, by `until` */
bool open, told;

#define IS_DEAD(thread) (thread != NOBODY && dead[MEMBER(thread)])
#define USER_FREE (user == NOBODY || IS_DEAD(user))
#define DEAD_NOTIFIED(seat) (state[seat] == notified && dead[owner[seat]])

/* What a dead holder was at is finished first. */
inline take(me) {
  if
  :: atomic { lock == NOBODY || (IS_DEAD(lock) && passing == NOBODY) -> lock = me }
  :: atomic { IS_DEAD(lock) && passing != NOBODY -> lock = me };
     if
     :: state[passing] == notified && state[passing_to] == waiting ->
        until[passing_to] = until[passing];
        state[passing_to] = notified
     :: else
     fi;
     state[passing] = free;
     passing = NOBODY
  fi
}

/* Who has waited longest of those with a ticket below `limit`. */
inline find_longest(found, limit) {
  found = NOBODY;
  for (s : 0 .. WAITERS - 1) {
    if
    :: state[s] == waiting && ticket[s] < limit &&
       (found == NOBODY || ticket[s] < ticket[found]) -> found = s
    :: else
    fi
  }
  s = 0
}

inline pass_on(from) {
  d_step {
    find_longest(to, until[from]);
    if :: to != NOBODY -> passing = from; passing_to = to :: else fi
  };
  if
  :: to != NOBODY ->
     until[to] = until[from];
     state[to] = notified
  :: else
  fi;
  state[from] = free;
  d_step { passing = NOBODY; to = 0 }
}

/* The first seat of a member that is in that state. */
inline find_seat(found, member, wanted) {
  d_step {
    found = 0;
    do
    :: found == WAITERS || (state[found] == wanted && owner[found] == member) -> break
    :: else -> found++
    od
  }
}

inline free_seats_of(member) {
  find_seat(from, member, waiting);
  do
  :: from < WAITERS -> state[from] = free; find_seat(from, member, waiting)
  :: else -> break
  od;
  find_seat(from, member, notified);
  do
  :: from < WAITERS -> pass_on(from); find_seat(from, member, notified)
  :: else -> break
  od;
  from = 0
}

proctype Waiter(byte me) {
  byte seat, from, to, s, gone;
  {
    atomic { USER_FREE -> if :: open -> goto gone_away :: else -> user = me fi };
    take(me);
    d_step {   /* nobody reads them while the seat is free */
      do :: state[seat] == free -> break :: else -> seat++ od;
      owner[seat] = MEMBER(me); ticket[seat] = tickets; tickets++
    };
    state[seat] = waiting;
    lock = NOBODY;
    user = NOBODY;

end_waiting:
    do
    :: atomic { state[seat] == notified && USER_FREE -> user = me; break }
    :: me == 2 ->   /* its time may be over */
       take(me);
       if
       :: state[seat] == waiting -> state[seat] = free; lock = NOBODY; goto gone_away
       :: else -> lock = NOBODY; atomic { USER_FREE -> user = me }; break
       fi
    :: atomic { DEAD_NOTIFIED(0) -> gone = owner[0] };
       take(me); free_seats_of(gone); lock = NOBODY
    :: atomic { DEAD_NOTIFIED(1) -> gone = owner[1] };
       take(me); free_seats_of(gone); lock = NOBODY
    :: atomic { DEAD_NOTIFIED(2) -> gone = owner[2] };
       take(me); free_seats_of(gone); lock = NOBODY
    od;

    take(me);
    if
    :: atomic {
         state[seat] = free;
         assert(ticket[seat] < until[seat]);
         returned[until[seat]]++;
         assert(returned[1] + returned[2] + returned[3] <= given[1] + given[2] + given[3])
       }
    :: me == 1 -> pass_on(seat)   /* interrupted */
    fi;
    lock = NOBODY;
    user = NOBODY;
gone_away:
    running[MEMBER(me)]--
  } unless { dead[MEMBER(me)] }
}

proctype Notifier(byte me) {
  byte i, to, s;
  {
    atomic { USER_FREE -> user = me; open = (MOST == WAITERS) };
    take(me);
    do
    :: d_step { i < MOST -> find_longest(to, tickets) };
       if
       :: to != NOBODY ->
          until[to] = tickets;
          d_step { state[to] = notified; given[tickets]++; i++ }
       :: else -> break
       fi
    :: else -> break
    od;
    lock = NOBODY;
    d_step { user = NOBODY; told = open; running[MEMBER(me)]-- }
  } unless { dead[MEMBER(me)] }
}

proctype Reclaimer(byte me) {
  byte gone, from, to, s;
end_idle:
  if
  :: dead[0]
  :: dead[1] -> gone = 1
  :: dead[2] -> gone = 2
  fi;
  take(me);
  free_seats_of(gone);
  lock = NOBODY;
  d_step {
    for (s : 0 .. WAITERS - 1) { assert(state[s] == free || owner[s] != gone) }
  }
}

init {
  byte s, u;
  atomic {
    select(deaths : 0 .. DEATHS);
    running[MEMBER(0)]++; running[1]++; running[2]++; running[NOTIFIER]++;
    run Waiter(0); run Waiter(1); run Waiter(2); run Notifier(NOTIFIER);
#ifdef RECLAIM
    run Reclaimer(RECLAIMER)
#endif
  };
  do
  :: atomic {
       deaths > 0 ->
       if
       :: running[0] > 0 && !dead[0] -> dead[0] = true
       :: running[1] > 0 && !dead[1] -> dead[1] = true
       :: running[2] > 0 && !dead[2] -> dead[2] = true
       :: running[NOTIFIER] > 0 && !dead[NOTIFIER] -> dead[NOTIFIER] = true
       :: else
       fi;
       deaths--
     }
  :: deaths == 0 -> break
  od;
  timeout;   /* nobody can go on */
  for (s : 0 .. WAITERS - 1) {
    if
    :: state[s] == waiting && !dead[owner[s]] ->
       assert(!told);
       for (u : ticket[s] + 1 .. WAITERS) { assert(given[u] <= returned[u]) }
    :: else
    fi
  }
}
