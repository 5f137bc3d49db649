"""Tests that hold for both kinds of tables."""

def flavour_tests(name, nft = [], **kwargs):
    """The cc_test `name` on legacy tables, and NAME_nft: the same program on nft.

    Args:
      name: of the first.
      nft: "VARIABLE=VALUE" for the second alone, where the caller's environment
        does not say otherwise.
      **kwargs: of cc_test.
    """
    native.cc_test(name = name, **kwargs)
    native.sh_test(
        name = name + "_nft",
        size = kwargs.get("size", "medium"),
        srcs = ["//tests/kernel:run_with.sh"],
        args = ["NETPOL_TEST_FLAVOUR=nft"] + nft + ["$(rootpath :%s)" % name],
        data = [":" + name],
        shard_count = kwargs.get("shard_count"),
        tags = kwargs.get("tags", []),
    )
