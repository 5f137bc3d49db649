#include "netpol/testing/random_block.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "netpol/base/ip.h"

namespace netpol {
namespace {

// Any address of the pools, of either family.
std::string RandomAddress(Random& random, const RandomClusterOptions& options) {
  std::vector<std::string> all;
  for (const auto* pool : {&options.local_pods, &options.remote_pods,
                           &options.outside, &options.node_addresses}) {
    for (const AddressPair& pair : *pool) {
      if (!pair.v4.empty()) all.push_back(pair.v4);
      if (!pair.v6.empty()) all.push_back(pair.v6);
    }
  }
  return random.Pick(all);
}

int Bits(const std::string& address) {
  return address.find(':') == std::string::npos ? 32 : 128;
}

// Everything, one address, or one of the lengths at which pools are cut.
int RandomLength(Random& random, int bits) {
  const int draw = random.Between(0, 9);
  if (draw == 0) return 0;
  if (draw <= 2) return bits;
  if (draw == 3) return 1;
  return bits == 32 ? random.Between(15, 31) : random.Between(30, 127);
}

// "address/length", sometimes with the bits behind the length left in.
std::string Write(Random& random, const std::string& address, int length) {
  const std::string raw = absl::StrCat(address, "/", length);
  if (random.Chance(30)) return raw;
  const absl::StatusOr<IpPrefix> prefix = IpPrefix::Parse(raw);
  return prefix.ok() ? prefix->ToString() : raw;
}

std::string RandomExcept(Random& random, const RandomClusterOptions& options,
                         const k8s::IPBlock& block, const std::string& address,
                         int length) {
  const int bits = Bits(address);
  switch (random.Between(0, 9)) {
    case 0:  // Anywhere, of either family.
      if (options.invalid_parts) {
        const std::string other = RandomAddress(random, options);
        return Write(random, other, RandomLength(random, Bits(other)));
      }
      break;
    case 1:  // All of the block.
      if (options.invalid_parts) return block.cidr();
      break;
    case 2:  // One that was there before.
      if (block.except_size() > 0) return block.except(0);
      break;
    default:
      break;
  }
  // Inside the block, around an address of the pools if one lies there.
  std::string center = address;
  const absl::StatusOr<IpPrefix> prefix = IpPrefix::Parse(block.cidr());
  for (int attempt = 0; attempt < 4; ++attempt) {
    const std::string other = RandomAddress(random, options);
    const absl::StatusOr<IpAddress> parsed = IpAddress::Parse(other);
    if (prefix.ok() && parsed.ok() && prefix->Contains(*parsed)) center = other;
  }
  const int longer =
      random.Chance(40) ? bits : random.Between(length + 1, bits);
  return Write(random, center, longer);
}

std::string RandomWrongBlock(Random& random) {
  static const auto* const kWrong =
      new std::vector<std::string>{"",           "10.42.0.5",  "10.42.0.0/33",
                                   "10.42.0/24", "fd00::/129", "everything"};
  return random.Pick(*kWrong);
}

}  // namespace

k8s::IPBlock RandomBlock(Random& random, const RandomClusterOptions& options) {
  k8s::IPBlock block;
  const std::string address = RandomAddress(random, options);
  const int bits = Bits(address);
  const int length = RandomLength(random, bits);
  block.set_cidr(Write(random, address, length));
  if (bits == 32 && random.Chance(3)) {
    block.set_cidr(absl::StrCat("::ffff:", address, "/", length + 96));
  }
  const int excepts = random.Chance(50) ? random.Between(1, 4) : 0;
  for (int i = 0; i < excepts && length < bits; ++i) {
    const std::string except =
        RandomExcept(random, options, block, address, length);
    block.add_except(except);
  }
  if (options.invalid_parts && random.Chance(4)) {
    block.set_cidr(RandomWrongBlock(random));
  }
  if (options.invalid_parts && random.Chance(3)) {
    block.add_except(RandomWrongBlock(random));
  }
  return block;
}

}  // namespace netpol
