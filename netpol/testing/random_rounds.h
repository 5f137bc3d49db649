// Which seeds a randomised test runs: NETPOL_SEED replays a failure,
// NETPOL_ROUNDS and NETPOL_STEPS look for more.
#ifndef NETPOL_TESTING_RANDOM_ROUNDS_H_
#define NETPOL_TESTING_RANDOM_ROUNDS_H_

namespace netpol {

// NETPOL_SEED of the environment, or 1.
int FirstSeed();

// NETPOL_ROUNDS of the environment, or `otherwise`.
int Rounds(int otherwise);

// How long each walk is: NETPOL_STEPS of the environment, or `otherwise`.
int Steps(int otherwise);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_ROUNDS_H_
