#include "tests/apiserver/kubeconfig_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tests/kernel/lab/file_descriptor.h"

namespace netpol {
namespace {

using nlohmann::json;

void SetUnlessEmpty(json& map, const char* key, const std::string& value) {
  if (!value.empty()) map[key] = value;
}

}  // namespace

absl::Status WriteKubeconfig(const KubeconfigContent& content,
                             const std::string& path) {
  json cluster = {{"server", content.server}};
  SetUnlessEmpty(cluster, "certificate-authority", content.ca_file);
  json user = json::object();
  SetUnlessEmpty(user, "token", content.token);
  SetUnlessEmpty(user, "tokenFile", content.token_file);
  SetUnlessEmpty(user, "client-certificate", content.client_certificate_file);
  SetUnlessEmpty(user, "client-key", content.client_key_file);
  const json config = {
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"current-context", "test"},
      {"clusters", {{{"name", "test"}, {"cluster", cluster}}}},
      {"users", {{{"name", "test"}, {"user", user}}}},
      {"contexts",
       {{{"name", "test"},
         {"context", {{"cluster", "test"}, {"user", "test"}}}}}}};
  return ReplaceFile(path, config.dump(2) + "\n");
}

absl::Status ReplaceFile(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  FileDescriptor file(
      open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid() ||
      write(file.get(), text.data(), text.size()) !=
          static_cast<ssize_t>(text.size()) ||
      rename(beside.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("writing ", path));
  }
  return absl::OkStatus();
}

}  // namespace netpol
