/* The sockets of the recordings: who may connect where, and under which limits. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

/* The id of a connection of user 42 is "user_socket:42". */
static int set_id(synq_connection_t *connection, const synq_value_t *params) {
  const char *user = host_string(params, "/user");
  if (*user == '\0') return SYNQ_OK;
  char *id = host_format("user_socket:%s", user);
  int result = id == NULL ? SYNQ_ENOMEM : synq_connection_set_id(connection, id);
  free(id);
  return result;
}

static int connect_any(synq_connection_t *connection, const synq_value_t *params, void *user) {
  (void)user;
  return set_id(connection, params);
}

/* The parameter `mode` says how it goes: in all three refusals the client sees a 403 without a body. */
static int connect_by_mode(synq_connection_t *connection, const synq_value_t *params, void *user) {
  const char *mode = host_string(params, "/mode");
  (void)user;
  if (strcmp(mode, "ok") == 0) return set_id(connection, params);
  if (strcmp(mode, "raise") == 0) return SYNQ_CRASH;
  return SYNQ_REFUSE;
}

/* A refusal of the host's own making. */
static int connect_with_refusals(synq_connection_t *connection, const synq_value_t *params, void *user) {
  const char *mode = host_string(params, "/mode");
  (void)user;
  int result = SYNQ_OK;
  if (strcmp(mode, "ok") == 0) return SYNQ_OK;
  if (strcmp(mode, "error_atom") == 0) result = synq_connection_refuse(connection, 401, "custom unauthorized");
  if (strcmp(mode, "error_map") == 0) result = synq_connection_refuse(connection, 429, NULL);
  return result != SYNQ_OK ? result : SYNQ_REFUSE;
}

int host_add_sockets(synq_server_t *server) {
  static const char *const anywhere[] = {"*", NULL};
  static const char *const localhost[] = {"//localhost", NULL};
  static const char *const example_com[] = {"//example.com", NULL};
  static const char *const subprotocols[] = {"phoenix", "synq", NULL};
  synq_mount_options_t any = SYNQ_MOUNT_OPTIONS_INIT;
  any.origins = anywhere;
  any.connect = connect_any;
  any.longpoll_window_ms = 2000;
  /* Phoenix's sessions live one and a half windows, its messages may be larger than ours, and a frame counts its header. */
  synq_limits_t phoenix = SYNQ_LIMITS_INIT;
  phoenix.longpoll_session_timeout_ms = 3000;
  phoenix.max_message_bytes = 8000000;
  phoenix.max_frame_bytes = 8000000;
  any.limits = &phoenix;

  synq_mount_options_t defaults = any;
  defaults.origins = localhost;
  synq_mount_options_t origin = any;
  origin.origins = example_com;
  synq_mount_options_t auth = any;
  auth.connect = connect_by_mode;
  synq_mount_options_t refusals = any;
  refusals.connect = connect_with_refusals;
  synq_mount_options_t subproto = any;
  subproto.subprotocols = subprotocols;
  synq_mount_options_t path = any;
  path.pattern = "custom/:id/ws";

  synq_limits_t short_idle = SYNQ_LIMITS_INIT, small_frame = SYNQ_LIMITS_INIT;
  short_idle.idle_timeout_ms = 1500;
  small_frame.max_frame_bytes = 1024;
  synq_mount_options_t idle = any;
  idle.limits = &short_idle;
  synq_mount_options_t smallframe = any;
  smallframe.limits = &small_frame;
  synq_mount_options_t compress = any;
  compress.compress = 1;

  const struct {
    const char *path;
    const synq_mount_options_t *options;
  } mounts[] = {
      {"/socket", &any},        {"/defaults", &defaults}, {"/origin", &origin},
      {"/auth", &auth},         {"/autherr", &refusals},  {"/subproto", &subproto},
      {"/path", &path},         {"/idle", &idle},         {"/smallframe", &smallframe},
      {"/compress", &compress},
  };
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
    int result = synq_server_mount(server, mounts[i].path, mounts[i].options);
    if (result != SYNQ_OK) return result;
  }
  return SYNQ_OK;
}
