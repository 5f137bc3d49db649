#include "netpol/watch/kube/kubeconfig.h"

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/watch/kube/test_folder.h"

namespace netpol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

EnvironmentLookup Environment(std::map<std::string, std::string> variables) {
  return [variables](absl::string_view name) -> absl::optional<std::string> {
    const auto it = variables.find(std::string(name));
    if (it == variables.end()) return absl::nullopt;
    return it->second;
  };
}

std::string MessageOf(const absl::StatusOr<ApiServerConfig>& config) {
  return config.ok() ? "" : std::string(config.status().message());
}

class KubeconfigTest : public ::testing::Test {
 protected:
  // A whole file with these contents of its one cluster and one user, in the
  // flow style.
  static std::string File(const std::string& cluster, const std::string& user) {
    return absl::StrCat(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
        "contexts:\n- name: main\n  context: {cluster: c, user: u}\n"
        "clusters:\n- name: c\n  cluster: {",
        cluster, "}\nusers:\n- name: u\n  user: {", user, "}\n");
  }
  static std::string WithUser(const std::string& user) {
    return File("server: 'https://192.0.2.1:6443'", user);
  }
  static std::string WithCluster(const std::string& cluster) {
    return File(cluster, "");
  }

  absl::StatusOr<ApiServerConfig> Read(const std::string& text) {
    folder_.Write("config.yaml", text);
    return ReadKubeconfig(folder_.In("config.yaml"), Environment({}));
  }

  // The refusal names the file, this field and this reason.
  void ExpectRefused(const std::string& text, const std::string& field,
                     const std::string& why) {
    const auto config = Read(text);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(MessageOf(config), HasSubstr(folder_.In("config.yaml")));
    EXPECT_THAT(MessageOf(config), HasSubstr(field));
    EXPECT_THAT(MessageOf(config), HasSubstr(why));
  }

  const TestFolder folder_;
};

TEST_F(KubeconfigTest, CurrentContextChoosesClusterAndUser) {
  const auto config = Read(R"(
current-context: second
contexts:
- {name: first, context: {cluster: a, user: a}}
- {name: second, context: {cluster: b, user: c, namespace: web}}
clusters:
- {name: a, cluster: {server: "https://a.example:1"}}
- {name: b, cluster: {server: "https://b.example:2/prefix/"}}
users:
- {name: a, user: {token: wrong}}
- {name: c, user: {token: right}}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://b.example:2/prefix");
  EXPECT_EQ(config->token, "right");
  EXPECT_EQ(config->origin,
            absl::StrCat("kubeconfig ", folder_.In("config.yaml"),
                         ", context second"));
}

TEST_F(KubeconfigTest, JsonIsReadToo) {
  const auto config = Read(R"({"apiVersion": "v1", "kind": "Config",
    "current-context": "m",
    "contexts": [{"name": "m", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://c.example"}}],
    "users": [{"name": "u", "user": {"token": "t"}}]})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://c.example");
  EXPECT_EQ(config->token, "t");
}

TEST_F(KubeconfigTest, EveryFieldOfTheClusterIsRead) {
  const auto config = Read(WithCluster(
      "server: 'https://c.example', tls-server-name: kubernetes, "
      "proxy-url: 'socks5://p.example:1080', certificate-authority: ca.crt"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->proxy_url, "socks5://p.example:1080");
  EXPECT_EQ(config->certificate_authority.file, folder_.In("ca.crt"));
  EXPECT_FALSE(config->insecure_skip_tls_verify);
  EXPECT_FALSE(config->no_proxy);
}

TEST_F(KubeconfigTest, VerificationIsSkippedOnlyOnDemand) {
  const auto config = Read(WithCluster(
      "server: 'https://c.example', insecure-skip-tls-verify: true"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->insecure_skip_tls_verify);
}

TEST_F(KubeconfigTest, EveryFieldOfTheUserIsRead) {
  const auto config =
      Read(WithUser("client-certificate: pki/client.crt, client-key: "
                    "/keys/../abs/client.key, tokenFile: ../token, token: t"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->client_certificate.file, folder_.In("pki/client.crt"));
  EXPECT_EQ(config->client_key.file, "/abs/client.key");
  EXPECT_EQ(config->token_file,
            folder_.path().substr(0, folder_.path().rfind('/')) + "/token");
  EXPECT_EQ(config->token, "t");

  const auto basic = Read(WithUser("username: jane, password: 'a:b'"));
  ASSERT_TRUE(basic.ok()) << basic.status();
  EXPECT_EQ(basic->username, "jane");
  EXPECT_EQ(basic->password, "a:b");
}

TEST_F(KubeconfigTest, DataFieldsAreDecodedAndCountMoreThanFiles) {
  const auto config = Read(
      File(absl::StrCat("server: 'https://c.example', certificate-authority: "
                        "ca.crt, certificate-authority-data: ",
                        absl::Base64Escape("the ca")),
           absl::StrCat("client-certificate: c.crt, client-key-data: ",
                        absl::Base64Escape("the key"))));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->certificate_authority.text, "the ca");
  EXPECT_EQ(config->client_key.text, "the key");
  EXPECT_EQ(config->client_certificate.text, "");
}

TEST_F(KubeconfigTest, UnknownKeysAndNullsAreIgnored) {
  const auto config = Read(
      absl::StrCat(File("server: 'https://c.example', color: red, "
                        "certificate-authority: null, extensions: [{name: x, "
                        "extension: {a: 1}}]",
                        "token: t, exec: null, as: ~, favourite: [1]"),
                   "preferences: {}\nextensions: []\nmore: 1\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->certificate_authority.empty());
  EXPECT_FALSE(config->exec.has_value());
}

TEST_F(KubeconfigTest, ContextWithoutUserHasNoCredentials) {
  const auto config = Read(
      "current-context: m\ncontexts: [{name: m, context: {cluster: c}}]\n"
      "clusters: [{name: c, cluster: {server: 'https://c.example'}}]\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->token, "");
}

TEST_F(KubeconfigTest, OfSeveralFilesTheFirstEntryOfANameCounts) {
  folder_.Write("one/config",
                "clusters: [{name: c, cluster: {server: 'https://one.example', "
                "certificate-authority: ca.crt}}]\n");
  folder_.Write("two/config",
                File("server: 'https://two.example'", "tokenFile: token"));
  folder_.Write("three/config",
                "current-context: other\ncontexts: [{name: other, context: "
                "{cluster: c}}]\n");
  const std::string paths = absl::StrCat(
      folder_.In("one/config"), ":", folder_.In("missing"),
      "::", folder_.In("two/config"), ":", folder_.In("three/config"));
  const auto config = ReadKubeconfig(paths, Environment({}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://one.example");
  EXPECT_EQ(config->certificate_authority.file, folder_.In("one/ca.crt"));
  EXPECT_EQ(config->token_file, folder_.In("two/token"));
  EXPECT_THAT(config->origin, HasSubstr("context main"));
}

TEST_F(KubeconfigTest, MissingFilesAreAnErrorThatNamesThem) {
  const auto one = ReadKubeconfig(folder_.In("a"), Environment({}));
  EXPECT_EQ(one.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(one), HasSubstr(folder_.In("a")));
  const auto two = ReadKubeconfig(
      absl::StrCat(folder_.In("a"), ":", folder_.In("b")), Environment({}));
  EXPECT_EQ(two.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(two), HasSubstr(folder_.In("b")));
  EXPECT_FALSE(ReadKubeconfig(":", Environment({})).ok());
}

TEST_F(KubeconfigTest, HomeIsWrittenAsTilde) {
  folder_.Write("k/config", WithUser("token: t"));
  const auto config =
      ReadKubeconfig("~/k/config", Environment({{"HOME", folder_.path()}}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->token, "t");
}

TEST_F(KubeconfigTest, EmptyFileHasNoContext) {
  ExpectRefused("", "current-context", "is missing");
  ExpectRefused("# nothing\n", "current-context", "is missing");
}

TEST_F(KubeconfigTest, ReferencesThatLeadNowhereAreRefused) {
  ExpectRefused("current-context: gone\n", "current-context", "no \"gone\"");
  const std::string good = WithUser("token: t");
  ExpectRefused(absl::StrReplaceAll(good, {{"cluster: c,", "cluster: d,"}}),
                "contexts[\"main\"].context.cluster", "no \"d\"");
  ExpectRefused(absl::StrReplaceAll(good, {{"user: u}", "user: v}"}}),
                "contexts[\"main\"].context.user", "no \"v\"");
  ExpectRefused(absl::StrReplaceAll(good, {{"cluster: c,", ""}}),
                "contexts[\"main\"].context.cluster", "is missing");
}

TEST_F(KubeconfigTest, NamesThatOccurTwiceAreRefused) {
  for (const std::string list : {"clusters", "contexts", "users"}) {
    ExpectRefused(absl::StrCat(list, ": [{name: x}, {name: y}, {name: x}]\n"),
                  absl::StrCat(list, "[2]"), "\"x\"");
  }
}

TEST_F(KubeconfigTest, KeysThatOccurTwiceAreRefused) {
  ExpectRefused(WithUser("token: a, token: b"), "users[\"u\"].user.token",
                "twice");
}

TEST_F(KubeconfigTest, OtherFilesAreRefused) {
  ExpectRefused("apiVersion: v1\nkind: Pod\n", "", "not a kubeconfig");
  ExpectRefused("apiVersion: v2\nkind: Config\n", "", "not a kubeconfig");
  ExpectRefused("a: 1\n---\nb: 2\n", "", "2 documents");
  ExpectRefused("[1, 2]\n", "", "must be a map");
  ExpectRefused("clusters: {}\n", "clusters", "must be a list");
  EXPECT_FALSE(Read(std::string((1 << 20) + 1, '#')).ok());
  EXPECT_FALSE(ReadKubeconfig(folder_.path(), Environment({})).ok());
}

TEST_F(KubeconfigTest, AliasesThatStandForMillionsOfValuesAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, "*a", i - 1, ", ");
    absl::StrAppend(&bomb, "]\n");
  }
  ExpectRefused(bomb, ":", "reasonable size");
  ExpectRefused(std::string(100000, '['), ":", "reasonable");
}

TEST_F(KubeconfigTest, FaultsOfSyntaxGiveThePlaceButNotTheText) {
  for (const std::string text :
       {"token:\nhunter2\nuser: {", "{\"token\": hunter2}", "token: !hunter2 x",
        "hunter2: [}"}) {
    const auto config = Read(text);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(config), AllOf(HasSubstr(folder_.In("config.yaml:")),
                                         Not(HasSubstr("hunter2"))));
  }
}

TEST_F(KubeconfigTest, ValuesOfTheWrongKindAreRefusedWithoutQuotingThem) {
  ExpectRefused(WithUser("token: 12345"), "users[\"u\"].user.token",
                "must be a string, not a number");
  ExpectRefused(WithUser("username: [a]"), "users[\"u\"].user.username",
                "must be a string");
  ExpectRefused(WithUser("token: 'a b'"), "users[\"u\"].user.token", "blanks");
  ExpectRefused(WithCluster("server: 'https://c.example', "
                            "insecure-skip-tls-verify: 'yes'"),
                "clusters[\"c\"].cluster.insecure-skip-tls-verify",
                "true or false");
  ExpectRefused(WithUser("client-key-data: '!secret'"),
                "users[\"u\"].user.client-key-data", "base64");
  EXPECT_THAT(MessageOf(Read(WithUser("token: 12345"))),
              Not(HasSubstr("12345")));
  EXPECT_THAT(MessageOf(Read(WithUser("client-key-data: '!secret'"))),
              Not(HasSubstr("secret")));
}

TEST_F(KubeconfigTest, AddressesThatCannotBeFollowedAreRefused) {
  const std::string field = "clusters[\"c\"].cluster.server";
  ExpectRefused(WithCluster("server: null"), field, "is missing");
  ExpectRefused(WithCluster("server: 192.0.2.1:6443"), field, "scheme");
  ExpectRefused(WithCluster("server: c.example"), field, "scheme");
  ExpectRefused(WithCluster("server: 'ftp://c.example'"), field, "only https");
  ExpectRefused(WithCluster("server: 'https://'"), field, "not a valid");
  ExpectRefused(WithCluster("server: 'https://c.example:99999'"), field,
                "not a valid");
  ExpectRefused(WithCluster("server: \"https://c.example\\0/\""), field,
                "not a valid");
  ExpectRefused(WithCluster("server: 'https://c.example /'"), field,
                "not a valid");
  ExpectRefused(WithCluster("server: 'https://c.example/?a=b'"), field, "?");
  ExpectRefused(WithCluster("server: 'https://me:hunter2@c.example'"), field,
                "user");
  EXPECT_THAT(
      MessageOf(Read(WithCluster("server: 'https://me:hunter2@c.example'"))),
      Not(HasSubstr("hunter2")));
  ExpectRefused(
      WithCluster("server: 'https://c.example', proxy-url: 'ftp://p:hunter2'"),
      "clusters[\"c\"].cluster.proxy-url", "");
  ExpectRefused(
      WithCluster("server: 'https://c.example', proxy-url: 'ftp://p.example'"),
      "clusters[\"c\"].cluster.proxy-url", "socks5");
}

TEST_F(KubeconfigTest, AuthorityAndNoVerificationExcludeEachOther) {
  ExpectRefused(
      WithCluster("server: 'https://c.example', insecure-skip-tls-verify: "
                  "true, certificate-authority: ca.crt"),
      "clusters[\"c\"].cluster", "insecure-skip-tls-verify");
}

TEST_F(KubeconfigTest, UsersThatCannotBeFollowedAreRefused) {
  for (const std::string key : {"as: root", "as-uid: '1'", "as-groups: [a]",
                                "as-user-extra: {a: [b]}"}) {
    ExpectRefused(
        WithUser("token: t, " + key),
        absl::StrCat("users[\"u\"].user.", key.substr(0, key.find(':'))),
        "impersonation");
  }
  ExpectRefused(WithUser("auth-provider: {name: gcp}"),
                "users[\"u\"].user.auth-provider", "exec plugin");
  ExpectRefused(WithUser("client-certificate: a"), "users[\"u\"].user",
                "no client-key");
  ExpectRefused(WithUser("client-key: a"), "users[\"u\"].user",
                "no client-certificate");
  ExpectRefused(WithUser("token: t, username: a, password: b"),
                "users[\"u\"].user", "both");
  ExpectRefused(WithUser("tokenFile: t, username: a"), "users[\"u\"].user",
                "both");
  ExpectRefused(WithUser("password: b"), "users[\"u\"].user", "no username");
  ExpectRefused(WithUser("username: 'a:b'"), "users[\"u\"].user.username",
                "colon");
}

constexpr char kV1[] = "apiVersion: client.authentication.k8s.io/v1";
constexpr char kV1Beta1[] = "apiVersion: client.authentication.k8s.io/v1beta1";

std::string Exec(const std::string& rest, const std::string& version = kV1) {
  return absl::StrCat("exec: {", version, ", ", rest, "}");
}

TEST_F(KubeconfigTest, ExecPluginIsRead) {
  const auto config = Read(WithUser(
      Exec("command: aws, args: [eks, get-token], interactiveMode: Never, env: "
           "[{name: AWS_PROFILE, value: x}], installHint: get it")));
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_TRUE(config->exec.has_value());
  EXPECT_EQ(config->exec->command, "aws");
  EXPECT_THAT(config->exec->args, ElementsAre("eks", "get-token"));
  EXPECT_THAT(config->exec->env, ElementsAre(Pair("AWS_PROFILE", "x")));
  EXPECT_EQ(config->exec->api_version, "client.authentication.k8s.io/v1");
  EXPECT_EQ(config->exec->install_hint, "get it");
  EXPECT_EQ(config->exec->cluster_info, "");
}

TEST_F(KubeconfigTest, ExecCommandWithSlashIsBesideTheFile) {
  const auto config = Read(WithUser(Exec("command: ./bin/p", kV1Beta1)));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->exec->command, folder_.In("bin/p"));
  const auto absolute = Read(WithUser(Exec("command: /bin/p", kV1Beta1)));
  ASSERT_TRUE(absolute.ok()) << absolute.status();
  EXPECT_EQ(absolute->exec->command, "/bin/p");
}

TEST_F(KubeconfigTest, ExecPluginIsToldOfTheClusterOnDemand) {
  folder_.Write("ca.crt", "the ca");
  const auto config = Read(
      File("server: 'https://c.example/', certificate-authority: ca.crt, "
           "tls-server-name: n, proxy-url: 'http://p.example', "
           "disable-compression: true, extensions: [{name: "
           "client.authentication.k8s.io/exec, extension: {audience: a, list: "
           "[1, true, null, 0.5]}}, {name: other, extension: x}]",
           Exec("command: p, interactiveMode: IfAvailable, "
                "provideClusterInfo: true")));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(nlohmann::json::parse(config->exec->cluster_info),
            nlohmann::json::parse(absl::StrCat(
                R"({"server": "https://c.example", "tls-server-name": "n",
                    "proxy-url": "http://p.example",
                    "disable-compression": true,
                    "config": {"audience": "a", "list": [1, true, null, 0.5]},
                    "certificate-authority-data": ")",
                absl::Base64Escape("the ca"), "\"}")));
}

TEST_F(KubeconfigTest, ExecPluginIsToldThatNothingIsVerified) {
  const auto config =
      Read(File("server: 'https://c.example', insecure-skip-tls-verify: true",
                Exec("command: p, interactiveMode: Never, "
                     "provideClusterInfo: true")));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(nlohmann::json::parse(config->exec->cluster_info),
            nlohmann::json::parse(R"({"server": "https://c.example",
                                      "insecure-skip-tls-verify": true})"));
}

TEST_F(KubeconfigTest, ExecPluginsThatCannotBeRunAreRefused) {
  const std::string exec = "users[\"u\"].user.exec";
  ExpectRefused(WithUser(Exec("interactiveMode: Never")), exec + ".command",
                "is missing");
  ExpectRefused(WithUser(Exec("command: p, interactiveMode: Always")),
                exec + ".interactiveMode", "person");
  ExpectRefused(WithUser(Exec("command: p, interactiveMode: Maybe")),
                exec + ".interactiveMode", "Never or IfAvailable");
  ExpectRefused(WithUser(Exec("command: p")), exec + ".interactiveMode",
                "is missing");
  ExpectRefused(WithUser("exec: {command: p}"), exec + ".apiVersion",
                "v1beta1");
  ExpectRefused(WithUser("exec: {command: p, apiVersion: "
                         "client.authentication.k8s.io/v1alpha1}"),
                exec + ".apiVersion", "v1beta1");
  ExpectRefused(WithUser(Exec("command: p, args: [1]", kV1Beta1)),
                exec + ".args[0]", "a string");
  ExpectRefused(WithUser(Exec("command: p, env: [{value: x}]", kV1Beta1)),
                exec + ".env[0]", "name");
  ExpectRefused(File("server: 'https://c.example', certificate-authority: gone",
                     Exec("command: p, provideClusterInfo: true", kV1Beta1)),
                "clusters[\"c\"].cluster.certificate-authority", "gone");
}

}  // namespace
}  // namespace netpol
