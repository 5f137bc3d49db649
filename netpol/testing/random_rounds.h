// Which seeds a randomised test runs: NETPOL_SEED replays a failure,
// NETPOL_ROUNDS looks for more.
#ifndef NETPOL_TESTING_RANDOM_ROUNDS_H_
#define NETPOL_TESTING_RANDOM_ROUNDS_H_

namespace netpol {

// NETPOL_SEED of the environment, or 1.
int FirstSeed();

// NETPOL_ROUNDS of the environment, or `otherwise`.
int Rounds(int otherwise);

}  // namespace netpol

#endif  // NETPOL_TESTING_RANDOM_ROUNDS_H_
