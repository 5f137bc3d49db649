#include "tests/kernel/conformance/truth_table.h"

#include <algorithm>
#include <sstream>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace netpol {
namespace {

constexpr int kWrongInWords = 6;
constexpr size_t kNameWidth = 9;

std::string Padded(std::string text) {
  text.resize(std::max(kNameWidth, text.size() + 1), ' ');
  return text;
}

char Sign(const TruthCell& cell) {
  if (!cell.ok()) return '!';
  return cell.outcome == ProbeOutcome::kAllowed ? '.' : 'X';
}

const char* Word(bool allowed) { return allowed ? "allowed" : "rejected"; }

}  // namespace

bool TruthCell::ok() const {
  const ProbeOutcome right =
      by_hand ? ProbeOutcome::kAllowed : ProbeOutcome::kRejected;
  return outcome == right && verdict.allowed == by_hand;
}

size_t TruthTable::wrong() const {
  return static_cast<size_t>(
      std::count_if(cells_.begin(), cells_.end(),
                    [](const TruthCell& cell) { return !cell.ok(); }));
}

int TruthTable::refused_between_pods() const {
  return static_cast<int>(std::count_if(
      cells_.begin(), cells_.end(), [this](const TruthCell& cell) {
        return ends_[cell.probe.from].is_pod && ends_[cell.probe.to].is_pod &&
               cell.outcome != ProbeOutcome::kAllowed;
      }));
}

std::string TruthTable::Draw(const std::string& traffic) const {
  std::vector<std::string> rows(ends_.size(), std::string(ends_.size(), ' '));
  for (const TruthCell& cell : cells_) {
    if (TrafficName(cell.probe.packet) != traffic) continue;
    rows[cell.probe.from][cell.probe.to] = Sign(cell);
  }
  std::string text = Padded("");
  for (const MatrixEnd& end : ends_) {
    absl::StrAppend(&text, Padded(end.name));
  }
  for (size_t from = 0; from < ends_.size(); ++from) {
    absl::StrAppend(&text, "\n", Padded(ends_[from].name));
    for (size_t to = 0; to < ends_.size(); ++to) {
      absl::StrAppend(&text, Padded(std::string(1, rows[from][to])));
    }
  }
  return text;
}

std::string TruthTable::Explain() const {
  absl::btree_map<std::string, bool> traffics;  // whether something is wrong
  for (const TruthCell& cell : cells_) {
    traffics[TrafficName(cell.probe.packet)] |= !cell.ok();
  }
  absl::btree_map<std::string, std::vector<std::string>> tables;
  for (const auto& [traffic, wrong] : traffics) {
    if (wrong) tables[Draw(traffic)].push_back(traffic);
  }
  std::ostringstream text;
  for (const auto& [table, names] : tables) {
    text << absl::StrJoin(names, ", ") << ":\n" << table << "\n";
  }
  int told = 0;
  for (const TruthCell& cell : cells_) {
    if (cell.ok()) continue;
    if (++told > kWrongInWords) break;
    text << ends_[cell.probe.from].name << " -> " << ends_[cell.probe.to].name
         << " (" << cell.probe.packet << ") was " << cell.outcome
         << "; by hand it is " << Word(cell.by_hand) << ", by the definition "
         << Word(cell.verdict.allowed) << ": " << cell.verdict.reason << "\n";
  }
  text << wrong() << " of " << size() << " packets are wrong\n";
  return text.str();
}

}  // namespace netpol
