#include "netpol/enforcer/option_values.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "netpol/base/status_macros.h"

namespace netpol {
namespace {

constexpr char kDefaultClusterRange[] = "10.96.0.0/12";

bool Contains(const std::vector<Family>& families, Family family) {
  return std::find(families.begin(), families.end(), family) != families.end();
}

// Digits only: SimpleAtoi would take blanks and signs.
absl::StatusOr<uint16_t> ReadPort(absl::string_view option,
                                  absl::string_view value,
                                  absl::string_view which,
                                  absl::string_view text) {
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isdigit(static_cast<unsigned char>(c));
      });
  if (!digits) {
    return BadOption(option, value,
                     absl::StrCat("\"", text,
                                  "\" is not a port number; give "
                                  "the range as FIRST-LAST, like 30000-32767"));
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number == 0 || number > 65535) {
    return BadOption(
        option, value,
        absl::StrCat("the ", which, " port is not between 1 and 65535"));
  }
  return static_cast<uint16_t>(number);
}

absl::StatusOr<IpPrefix> ReadIpRange(absl::string_view option,
                                     absl::string_view item,
                                     const std::vector<Family>& families) {
  const absl::StatusOr<IpPrefix> prefix = IpPrefix::Parse(item);
  if (!prefix.ok()) {
    return BadOption(option, item,
                     absl::StrCat(prefix.status().message(),
                                  "; give CIDRs, like 10.96.0.0/12"));
  }
  const Family family = prefix->family();
  if (!Contains(families, family)) {
    return BadOption(option, item,
                     absl::StrCat("an ", FamilyName(family), " CIDR while ",
                                  FamilyName(family),
                                  " is disabled; enable it or leave it out"));
  }
  return prefix;
}

}  // namespace

absl::Status BadOption(absl::string_view option, absl::string_view value,
                       absl::string_view cause) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " \"", value, "\": ", cause));
}

absl::StatusOr<PortRange> ReadPortRange(absl::string_view option,
                                        absl::string_view value) {
  const size_t separator = value.find_first_of("-:");
  if (separator == absl::string_view::npos) {
    return BadOption(option, value,
                     "not a port range; give FIRST-LAST, like 30000-32767");
  }
  PortRange range;
  ASSIGN_OR_RETURN(range.first, ReadPort(option, value, "first",
                                         value.substr(0, separator)));
  ASSIGN_OR_RETURN(
      range.last, ReadPort(option, value, "last", value.substr(separator + 1)));
  if (range.first >= range.last) {
    return BadOption(option, value, "the first port must be below the last");
  }
  return range;
}

absl::StatusOr<std::vector<IpPrefix>> ReadIpRanges(
    absl::string_view option, const std::vector<std::string>& values,
    const std::vector<Family>& families) {
  std::vector<IpPrefix> ranges;
  for (const std::string& value : values) {
    for (absl::string_view item : absl::StrSplit(value, ',')) {
      ASSIGN_OR_RETURN(
          IpPrefix range,
          ReadIpRange(option, absl::StripAsciiWhitespace(item), families));
      ranges.push_back(range);
    }
  }
  return ranges;
}

absl::StatusOr<std::vector<IpPrefix>> ReadClusterIpRanges(
    absl::string_view option, const std::vector<std::string>& values,
    const std::vector<Family>& families) {
  if (values.empty()) {
    if (!Contains(families, Family::kIPv4)) return std::vector<IpPrefix>();
    return ReadIpRanges(option, {kDefaultClusterRange}, families);
  }
  ASSIGN_OR_RETURN(std::vector<IpPrefix> ranges,
                   ReadIpRanges(option, values, families));
  if (ranges.size() > 2) {
    return BadOption(
        option, absl::StrJoin(values, ","),
        absl::StrCat("too many CIDRs (", ranges.size(), "); give one or two"));
  }
  return ranges;
}

}  // namespace netpol
