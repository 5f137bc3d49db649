// Where values of JSON begin and end.
#ifndef NETPOL_WATCH_KUBE_JSON_SCANNER_H_
#define NETPOL_WATCH_KUBE_JSON_SCANNER_H_

namespace netpol {

// Follows JSON text byte by byte, as far as brackets and strings go; whether
// the text is valid otherwise is for a parser to say. Thread-compatible.
class JsonScanner {
 public:
  void Add(char c) {
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      return;
    }
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      --depth_;
    }
  }

  // Open brackets; less than zero once one was closed that was not open.
  int depth() const { return depth_; }
  bool in_string() const { return in_string_; }

 private:
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace netpol

#endif  // NETPOL_WATCH_KUBE_JSON_SCANNER_H_
