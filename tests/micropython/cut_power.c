// Preloaded into a program: ends it at the CUT_AT-th call that changes the file whose path holds CUT_FILE.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls;
static char ours[1024];

static int is_ours(const char *path) { return strstr(path, getenv("CUT_FILE")) != 0; }

static int is_due(void) { return ++calls == atoi(getenv("CUT_AT")); }

static void cut(void) { kill(getpid(), SIGKILL); }

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  int writes = is_ours(path) && (flags & O_ACCMODE) != O_RDONLY;
  if (writes && is_due()) cut();
  int made = ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open"))(path, flags, mode);
  if (made >= 0 && made < 1024) ours[made] = writes;
  return made;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  return open(path, flags, mode);
}

ssize_t write(int file, const void *data, size_t size) {
  ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  if (file >= 0 && file < 1024 && ours[file] && is_due()) {
    real(file, data, size / 2);
    cut();
  }
  return real(file, data, size);
}

int fsync(int file) {
  if (file >= 0 && file < 1024 && ours[file] && is_due()) cut();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int close(int file) {
  if (file >= 0 && file < 1024 && ours[file]) {
    ours[file] = 0;
    if (is_due()) cut();
  }
  return ((int (*)(int))dlsym(RTLD_NEXT, "close"))(file);
}

int rename(const char *old, const char *new) {
  if (is_ours(old) && is_due()) cut();
  return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(old, new);
}
