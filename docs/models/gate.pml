/* check: -DDEATHS=0 ; -DSAFETY ; -m100000 */
/* check: -DDEATHS=2 ; -DSAFETY ; -m100000 */
/*
 * The gate of a lock (docs/layout/lock.md): two threads touch what the lock guards without taking
 * it, two others take the lock. DEATHS of the four die, anywhere. The gate is opened by whoever
 * touches first, also while somebody holds the lock.
 *
 * Checked: a touch and a taker are never inside at the same time, but for a touch of the dead;
 * nobody waits for ever (no invalid end state). A step of the model is one store, or one load, of
 * the program; its loads and stores are sequentially consistent, as the program says of them.
 */
#define TOUCHERS 2
#define TAKERS   2
#define NOBODY   255

byte lock = NOBODY;     /* which taker holds it */
bool gated;
bool announced[TOUCHERS];
bool touching[TOUCHERS];
bool toucher_dead[TOUCHERS];
bool taker_dead[TAKERS];
byte inside;            /* living takers that hold the lock and found nobody touching */
byte deaths = DEATHS;

#define MAY_DIE(is_dead) \
  if \
  :: atomic { deaths > 0 -> deaths--; is_dead = true; goto gone } \
  :: true \
  fi

proctype Toucher(byte me) {
  byte round;
  gated = true;
  for (round : 1 .. 2) {
    MAY_DIE(toucher_dead[me]);
    announced[me] = true;
    MAY_DIE(toucher_dead[me]);
    if
    :: atomic { lock == NOBODY -> touching[me] = true; assert(inside == 0) }
       MAY_DIE(toucher_dead[me]);
       touching[me] = false;
    :: lock != NOBODY
    fi;
    announced[me] = false
  }
gone:
  skip
}

proctype Taker(byte me) {
  byte round, other;
  bool heeds;
  for (round : 1 .. 2) {
    MAY_DIE(taker_dead[me]);
    if
    :: atomic { lock == NOBODY -> lock = me }
    :: atomic { lock != NOBODY && lock != me && taker_dead[lock] -> lock = me }
    fi;
    MAY_DIE(taker_dead[me]);
    heeds = gated;
    other = 0;
    do
    :: heeds && other < TOUCHERS ->
       atomic { !announced[other] || toucher_dead[other] };
       MAY_DIE(taker_dead[me]);
       other++
    :: !heeds || other == TOUCHERS -> break
    od;
    atomic {
      inside++;
      assert(inside == 1);
      for (other : 0 .. TOUCHERS - 1) { assert(!touching[other] || toucher_dead[other]) }
    };
    if
    :: atomic { deaths > 0 -> deaths--; inside--; taker_dead[me] = true; goto gone }
    :: true
    fi;
    inside--;
    lock = NOBODY
  }
gone:
  skip
}

init {
  atomic { run Toucher(0); run Toucher(1); run Taker(0); run Taker(1) }
}
