/* The patch engine alone. */
#include "test.h"

#include <stdlib.h>

static void a_diff_leads_from_one_to_the_other(void) {
  json_t *from = json_pack("{s:i, s:[i, i, i], s:s}", "a", 1, "l", 1, 2, 3, "gone", "x");
  json_t *to = json_pack("{s:i, s:[i, i], s:{s:n}}", "a", 2, "l", 1, 3, "new", "k");
  json_t *patch = NULL, *result = NULL;
  CHECK_OK(synq_patch_diff(from, to, &patch));
  CHECK(json_is_array(patch) && json_array_size(patch) > 0);
  CHECK_OK(synq_patch_apply(from, patch, &result));
  CHECK(json_equal(result, to));
  CHECK(from->refcount == 1 && to->refcount == 1 && patch->refcount == 1 && result->refcount == 1);
  json_decref(patch);
  json_decref(result);
  CHECK_OK(synq_patch_diff(from, from, &patch));
  CHECK(json_array_size(patch) == 0);
  json_decref(patch);
  json_decref(from);
  json_decref(to);
}

static void texts_keep_their_numbers(void) {
  char *patch = NULL, *result = NULL;
  size_t length = 0;
  CHECK_OK(synq_patch_diff_text("{\"a\":1}", 7, "{\"a\": 1.0}", SYNQ_NUL_TERMINATED, &patch, &length));
  CHECK_TEXT("[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1.0}]", patch);
  CHECK(patch != NULL && strlen(patch) == length);
  CHECK_OK(synq_patch_apply_text("{\"a\":1}", 7, patch, length, &result, NULL));
  CHECK_TEXT("{\"a\":1.0}", result);
  synq_free(patch);
  synq_free(result);
}

static void a_patch_that_does_not_apply_says_where(void) {
  static const struct {
    const char *patch, *text;
  } wrong[] = {
      {"[{\"op\":\"add\",\"path\":\"/a\",\"value\":1},{\"op\":\"remove\",\"path\":\"/none\"}]", "/none"},
      {"[{\"op\":\"test\",\"path\":\"/l/0\",\"value\":2}]", "/l/0"},
      {"[{\"op\":\"jump\",\"path\":\"/l\"}]", "jump"},
      {"[{\"op\":\"add\",\"path\":\"l\",\"value\":1}]", "operation 0 at l"},
      {"[{\"path\":\"/l\"}]", "op"},
      {"{}", "array"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char *result = NULL;
    CHECK_CODE(
        SYNQ_EPATCH, wrong[i].text,
        synq_patch_apply_text("{\"l\":[1]}", SYNQ_NUL_TERMINATED, wrong[i].patch, SYNQ_NUL_TERMINATED, &result, NULL));
    CHECK(result == NULL);
  }
}

static void bad_arguments_are_named(void) {
  char *out = NULL;
  json_t *value = json_object(), *result = NULL;
  CHECK_CODE(SYNQ_EINVAL, "from", synq_patch_diff(NULL, value, &result));
  CHECK_CODE(SYNQ_EINVAL, "to", synq_patch_diff(value, NULL, &result));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_patch_diff(value, value, NULL));
  CHECK_CODE(SYNQ_EINVAL, "document", synq_patch_apply(NULL, value, &result));
  CHECK_CODE(SYNQ_EINVAL, "patch", synq_patch_apply(value, NULL, &result));
  CHECK_CODE(SYNQ_EJSON, "from", synq_patch_diff_text("{", 1, "{}", 2, &out, NULL));
  CHECK_CODE(SYNQ_EJSON, "to", synq_patch_diff_text("{}", 2, "{} x", 4, &out, NULL));
  CHECK_CODE(SYNQ_EINVAL, "out", synq_patch_diff_text("{}", 2, "{}", 2, NULL, NULL));
  CHECK(out == NULL && result == NULL);
  json_decref(value);
}

const test_t patch_tests[] = {
    {"a_diff_leads_from_one_to_the_other", a_diff_leads_from_one_to_the_other},
    {"texts_keep_their_numbers", texts_keep_their_numbers},
    {"a_patch_that_does_not_apply_says_where", a_patch_that_does_not_apply_says_where},
    {"bad_arguments_are_named", bad_arguments_are_named},
    {NULL, NULL},
};
