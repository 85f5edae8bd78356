/* Certificates: which are in use, and that they are read again. A client checks them with the openssl program. */
#define _POSIX_C_SOURCE 200809L
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

static char directory[64], certificate[96], key[96];

static int run(const char *format, const char *first, int port) {
  char command[512];
  snprintf(command, sizeof command, format, directory, first, port);
  return system(command);
}

/* Makes a certificate whose subject is `name`. */
static void make_certificate(const char *name) {
  CHECK(run("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s "
            "-keyout key.pem -out certificate.pem 2>openssl.log",
            name, 0) == 0);
}

/* Whether a client of the version ("-tls1_2") sees a certificate whose subject is `name`. */
static int sees(int port, const char *version, const char *name) {
  char command[512];
  snprintf(command, sizeof command,
           "openssl s_client -connect 127.0.0.1:%d %s </dev/null 2>/dev/null | grep -q 'subject=.*CN *= *%s'", port,
           version, name);
  return system(command) == 0;
}

static synq_server_t *new_server(synq_tls_version_t minimum, int expected) {
  synq_server_options_t options = SYNQ_SERVER_OPTIONS_INIT;
  synq_server_t *server = NULL;
  options.log_level = SYNQ_LOG_OFF;
  options.tls_certificate = certificate;
  options.tls_key = key;
  options.tls_minimum_version = minimum;
  CHECK_CODE(expected, "tls_minimum_version", synq_server_new(&server, &options));
  return server;
}

static void begin(void) {
  strcpy(directory, "synq-tls-XXXXXX");
  if (mkdtemp(directory) == NULL) abort();
  snprintf(certificate, sizeof certificate, "%s/certificate.pem", directory);
  snprintf(key, sizeof key, "%s/key.pem", directory);
}

static void end(void) {
  CHECK(run("rm -r %s", "", 0) == 0);
}

static void a_renewed_certificate_is_used_from_its_reload_on(void) {
  begin();
  make_certificate("first");
  synq_server_t *server = new_server((synq_tls_version_t)0, SYNQ_OK);
  CHECK_CODE(SYNQ_ESTATE, "not started", synq_server_reload_tls(server));
  CHECK_OK(synq_server_start(server));
  int port = synq_server_port(server);
  CHECK(sees(port, "", "first"));
  make_certificate("second");
  CHECK(sees(port, "", "first"));
  CHECK_OK(synq_server_reload_tls(server));
  CHECK(sees(port, "", "second"));

  CHECK(run("echo nonsense > %s/key.pem", "", 0) == 0);
  CHECK_CODE(SYNQ_EIO, "key file", synq_server_reload_tls(server));
  CHECK(unlink(certificate) == 0);
  CHECK_CODE(SYNQ_EIO, "certificate file", synq_server_reload_tls(server));
  CHECK(sees(port, "", "second")); /* all stays as it was */
  CHECK_OK(synq_server_stop(server, -1));
  CHECK_OK(synq_server_wait(server, -1));
  CHECK_CODE(SYNQ_ECLOSED, "stopped", synq_server_reload_tls(server));
  CHECK_OK(synq_server_free(server));
  end();
}

static void a_client_must_speak_the_minimum_version(void) {
  begin();
  make_certificate("only");
  for (int minimum = 0; minimum <= SYNQ_TLS_1_3; minimum += minimum == 0 ? SYNQ_TLS_1_2 : 1) {
    synq_server_t *server = new_server((synq_tls_version_t)minimum, SYNQ_OK);
    CHECK_OK(synq_server_start(server));
    CHECK(sees(synq_server_port(server), "-tls1_2", "only") == (minimum != SYNQ_TLS_1_3));
    CHECK(sees(synq_server_port(server), "-tls1_3", "only"));
    CHECK_OK(synq_server_free(server));
  }
  new_server((synq_tls_version_t)11, SYNQ_EINVAL);
  end();
}

static void a_server_without_tls_reloads_none(void) {
  synq_channel_options_t channel = SYNQ_CHANNEL_OPTIONS_INIT;
  synq_server_t *server = server_with(&channel, SYNQ_INLINE);
  CHECK_CODE(SYNQ_ESTATE, "without TLS", synq_server_reload_tls(server));
  CHECK_CODE(SYNQ_EINVAL, "server", synq_server_reload_tls(NULL));
  CHECK_OK(synq_server_free(server));
}

const test_t tls_tests[] = {
    {"a_renewed_certificate_is_used_from_its_reload_on", a_renewed_certificate_is_used_from_its_reload_on},
    {"a_client_must_speak_the_minimum_version", a_client_must_speak_the_minimum_version},
    {"a_server_without_tls_reloads_none", a_server_without_tls_reloads_none},
    {NULL, NULL},
};
