/* check: -DDEATHS=0 -DROUNDS=2 ; -DSAFETY ; -m100000 */
/* check: -DDEATHS=2 -DROUNDS=1 ; -DSAFETY ; -m100000 */
/*
 * A lock that users hold (docs/layout/lock.md), over the owner lock of src/memory/owner_lock.hpp:
 * USERS take and release it ROUNDS times, DEATHS of all processes die, anywhere; another reclaims
 * the dead. A waiter may leave when it has waited (a time-out). A waiter asks whether the holder
 * lives at the end of a slice, which here comes only where nothing else can happen, and without
 * deaths never.
 *
 * Checked: two of the living are never inside at once; whoever gets in first after a holder died is
 * told; once the dead are reclaimed the lock names none of them; nobody waits for ever, and without
 * deaths nobody needs a slice to come to its end (no invalid end state). Without any one of these
 * it fails: `contended` kept by who wakes up, or set by who leaves; the note of a death that a
 * take-over makes; the look at the lock that a reclaim begins with. A step of the model is one
 * store, load or exchange of the program; an exchange of the word also tells what it was.
 */
#define USERS     3
#define PROCESSES 4     /* and who reclaims */
#define NOBODY    255

byte owner = NOBODY;    /* with `contended` one word */
bool contended;
bool untold;            /* a death that no holder has been told of */
bool asleep[PROCESSES];
bool dead[PROCESSES];
bool unsaid;            /* what `untold` should say */
byte inside;            /* of the living */
byte deaths = DEATHS;

#define MAY_DIE \
  if \
  :: atomic { deaths > 0 -> \
       deaths--; \
       dead[me] = true; \
       if :: owner == me -> unsaid = true :: else fi; \
       goto gone } \
  :: true \
  fi

/* One sleeper, whichever the kernel takes. */
inline wake_one() {
  if
  :: atomic { asleep[0] -> asleep[0] = false }
  :: atomic { asleep[1] -> asleep[1] = false }
  :: atomic { asleep[2] -> asleep[2] = false }
  :: atomic { !asleep[0] && !asleep[1] && !asleep[2] }
  fi
}

inline note_death() {
  MAY_DIE;
  untold = true
}

/* The exchange, and the wake that a death may come before. */
inline unlock() {
  atomic { was_contended = contended; owner = NOBODY; contended = false };
  MAY_DIE;
  if
  :: was_contended -> wake_one()
  :: !was_contended
  fi
}

proctype User(byte me) {
  byte round, seen;
  bool was_contended, slept, told;
  for (round : 1 .. ROUNDS) {
    slept = false;
    do
    :: MAY_DIE;
       if
       :: atomic { owner == NOBODY && !slept -> owner = me; break }
       :: atomic { owner == NOBODY && slept -> owner = me; contended = true; break }
       :: atomic { owner != NOBODY && slept && contended -> goto next }  /* too late: it leaves */
       :: atomic { owner != NOBODY -> seen = owner; contended = true };
          slept = true;
          MAY_DIE;
          atomic {
            if
            :: owner == seen && contended -> asleep[me] = true
            :: else
            fi
          };
          if
          :: atomic { deaths > 0 ->
               deaths--; asleep[me] = false; dead[me] = true; goto gone }
          :: !asleep[me]
#if DEATHS > 0
          :: timeout -> asleep[me] = false;
             if
             :: atomic { owner == seen && dead[seen] -> owner = me; contended = true };
                note_death();
                break
             :: atomic { owner != seen || !dead[seen] }
             fi
#endif
          fi
       fi
    od;
    MAY_DIE;
    atomic { told = untold; untold = false };
    atomic {
      assert(told || !unsaid);
      unsaid = false;
      inside++;
      assert(inside == 1)
    };
    if
    :: atomic { deaths > 0 -> deaths--; inside--; dead[me] = true; unsaid = true; goto gone }
    :: true
    fi;
    inside--;
    MAY_DIE;
    unlock();
next:
    skip
  }
gone:
  skip
}

/* Looks at the dead one after another, as often as there may be deaths. */
proctype Reclaimer(byte me) {
  byte whose;
  bool was_contended;
  for (whose : 0 .. USERS - 1) {
    if
    :: dead[whose] ->
       if
       :: atomic { owner == whose -> owner = me; contended = true };
          note_death();
          MAY_DIE;
          if
          :: atomic { owner == me -> skip } unlock()
          :: atomic { owner != me }
          fi
       :: atomic { owner != whose }
       fi;
       assert(owner != whose)
    :: !dead[whose]
    fi
  }
gone:
  skip
}

init {
  atomic { run User(0); run User(1); run User(2); run Reclaimer(3) }
}
