/* The patch engine alone, without a server: JSON Patch (RFC 6902) on the command line.
 *
 *   cc patch.c -o patch $(pkg-config --cflags --libs synq)
 *   ./patch diff old.json new.json > patch.json     the operations that turn one into the other
 *   ./patch apply old.json patch.json               the document that they give: new.json
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <synq.h>

/* A whole file as text, to be freed; NULL, with a message, if it cannot be read. */
static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  char *text = NULL, *larger;
  size_t capacity = 0;
  *length = 0;
  while (file != NULL && *length == capacity && (larger = realloc(text, capacity + 65536)) != NULL) {
    text = larger;
    capacity += 65536;
    *length += fread(text + *length, 1, capacity - *length, file);
  }
  if (file == NULL || ferror(file) || *length == capacity) {
    perror(path);
    free(text);
    text = NULL;
  }
  if (file != NULL) fclose(file);
  return text;
}

int main(int argc, char **argv) {
  if (argc != 4 || (strcmp(argv[1], "diff") != 0 && strcmp(argv[1], "apply") != 0)) {
    fprintf(stderr, "usage: patch diff OLD NEW | patch apply DOCUMENT PATCH\n");
    return 2;
  }
  size_t first_length = 0, second_length = 0, result_length = 0;
  char *first = read_file(argv[2], &first_length);
  char *second = read_file(argv[3], &second_length);
  char *result = NULL;
  int code = SYNQ_EIO;
  if (first != NULL && second != NULL) {
    /* By text, so that numbers stay as they are written. synq_patch_diff() does the same with json_t. */
    code = strcmp(argv[1], "diff") == 0
               ? synq_patch_diff_text(first, first_length, second, second_length, &result, &result_length)
               : synq_patch_apply_text(first, first_length, second, second_length, &result, &result_length);
    if (code == SYNQ_OK) {
      fwrite(result, 1, result_length, stdout);
      putchar('\n');
    } else {
      fprintf(stderr, "patch: %s: %s\n", synq_strerror(code), synq_error_message());
    }
  }
  synq_free(result);
  free(first);
  free(second);
  return code == SYNQ_OK ? 0 : 1;
}
