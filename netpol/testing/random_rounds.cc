#include "netpol/testing/random_rounds.h"

#include <cstdlib>

#include "absl/strings/numbers.h"

namespace netpol {
namespace {

int Setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  int value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

}  // namespace

int FirstSeed() { return Setting("NETPOL_SEED", 1); }

int Rounds(int otherwise) { return Setting("NETPOL_ROUNDS", otherwise); }

int Steps(int otherwise) { return Setting("NETPOL_STEPS", otherwise); }

}  // namespace netpol
