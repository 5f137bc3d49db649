#include "tests/demo/reach_table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {
namespace {

constexpr int kMargin = 6;
constexpr int kNameWidth = 22;
constexpr int kCellWidth = 9;

struct Sign {
  absl::string_view utf8;
  absl::string_view ascii;
  Emphasis emphasis;
};

Sign SignOf(ProbeOutcome outcome) {
  switch (outcome) {
    case ProbeOutcome::kAllowed:
      return {"✓", "+", Emphasis::kGood};
    case ProbeOutcome::kRejected:
      return {"✗", "x", Emphasis::kBad};
    case ProbeOutcome::kDropped:
      break;
  }
  return {"·", ".", Emphasis::kStrong};
}

// All signs are one column wide, however many bytes they have.
std::string SignText(ProbeOutcome outcome, ScreenStyle style) {
  const Sign sign = SignOf(outcome);
  return Emphasize(style, sign.emphasis, style.utf8 ? sign.utf8 : sign.ascii);
}

std::string Blanks(int count) {
  return std::string(static_cast<size_t>(count > 0 ? count : 0), ' ');
}

// `text` of one column per byte, made `width` wide.
std::string Padded(absl::string_view text, int width) {
  return absl::StrCat(text, Blanks(width - static_cast<int>(text.size())));
}

std::string HeadingLine(const Scene& scene, absl::string_view first,
                        std::string Target::*heading, ScreenStyle style) {
  std::string line = absl::StrCat(Blanks(kMargin), Padded(first, kNameWidth));
  for (const Target& target : scene.targets)
    absl::StrAppend(&line, Padded(target.*heading, kCellWidth));
  line.erase(line.find_last_not_of(' ') + 1);
  return absl::StrCat(Emphasize(style, Emphasis::kFaint, line), "\n");
}

bool IsMarked(const Path& path, ProbeOutcome outcome, const Verdicts* before) {
  if (before == nullptr) return false;
  const auto old = before->find(path);
  return old == before->end() || old->second != outcome;
}

std::string Cell(const Path& path, const Verdicts& verdicts,
                 const Verdicts* before, ScreenStyle style) {
  const auto verdict = verdicts.find(path);
  if (verdict == verdicts.end()) return Blanks(kCellWidth);
  const std::string sign = SignText(verdict->second, style);
  const bool marked = IsMarked(path, verdict->second, before);
  return absl::StrCat(marked ? "[" : " ", sign, marked ? "]" : " ",
                      Blanks(kCellWidth - 3));
}

std::string Row(const Scene& scene, const Host& sender,
                const Verdicts& verdicts, const Verdicts* before,
                ScreenStyle style) {
  std::string line =
      absl::StrCat(Blanks(kMargin - 1), Padded(sender.name, kNameWidth));
  for (size_t i = 0; i < scene.targets.size(); ++i) {
    absl::StrAppend(
        &line, Cell({sender.name, i, Family::kIPv4}, verdicts, before, style));
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return absl::StrCat(" ", line, "\n");
}

std::string FamilyLine(const Verdicts& verdicts) {
  int same = 0;
  int other = 0;
  for (const auto& [path, outcome] : verdicts) {
    if (path.family != Family::kIPv4) continue;
    const auto twin = verdicts.find({path.sender, path.target, Family::kIPv6});
    const bool agrees = twin != verdicts.end() && twin->second == outcome;
    ++(agrees ? same : other);
  }
  const std::string text =
      other == 0 ? absl::StrCat("IPv6: the same, in all ", same, " cells")
                 : absl::StrCat("IPv6: not the same in ", other, " of ",
                                same + other, " cells");
  return absl::StrCat(Blanks(kMargin), text, "\n");
}

}  // namespace

std::string FormatTable(const Scene& scene, const Verdicts& verdicts,
                        const Verdicts* before, ScreenStyle style) {
  std::string text = "\n";
  absl::StrAppend(&text,
                  HeadingLine(scene, "to:", &Target::host_heading, style),
                  HeadingLine(scene, "from:", &Target::port_heading, style));
  for (const Host& sender : scene.senders)
    absl::StrAppend(&text, Row(scene, sender, verdicts, before, style));
  absl::StrAppend(&text, FamilyLine(verdicts));
  return text;
}

std::string TableLegend(ScreenStyle style) {
  return absl::StrCat(Blanks(kMargin), SignText(ProbeOutcome::kAllowed, style),
                      " arrived   ", SignText(ProbeOutcome::kRejected, style),
                      " rejected, and the sender was told   ",
                      SignText(ProbeOutcome::kDropped, style),
                      " dropped   empty: does not cross this node\n");
}

}  // namespace netpol
