// Where in an object a field stands, for messages.
#ifndef NETPOL_WATCH_MANIFESTS_FIELD_PATH_H_
#define NETPOL_WATCH_MANIFESTS_FIELD_PATH_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace netpol {

// A step on the way from an object to a field. Lives on the stack and borrows
// the step before it and the name; text is made only when somebody asks.
class FieldPath {
 public:
  // The object itself.
  FieldPath() = default;

  FieldPath Field(absl::string_view name) const {
    return FieldPath(this, name, Step::kField, 0);
  }
  FieldPath Element(size_t index) const {
    return FieldPath(this, "", Step::kElement, index);
  }
  FieldPath Key(absl::string_view key) const {
    return FieldPath(this, key, Step::kKey, 0);
  }

  // `spec.ingress[0].from[1]`, `metadata.labels["app"]`.
  std::string ToString() const {
    if (parent_ == nullptr) return "";
    const std::string front = parent_->ToString();
    switch (step_) {
      case Step::kField:
        return absl::StrCat(front, front.empty() ? "" : ".", name_);
      case Step::kElement:
        return absl::StrCat(front, "[", index_, "]");
      case Step::kKey:
        break;
    }
    return absl::StrCat(front, "[\"", name_, "\"]");
  }

 private:
  enum class Step { kField, kElement, kKey };

  FieldPath(const FieldPath* parent, absl::string_view name, Step step,
            size_t index)
      : parent_(parent), name_(name), step_(step), index_(index) {}

  const FieldPath* parent_ = nullptr;
  absl::string_view name_;
  Step step_ = Step::kField;
  size_t index_ = 0;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_MANIFESTS_FIELD_PATH_H_
