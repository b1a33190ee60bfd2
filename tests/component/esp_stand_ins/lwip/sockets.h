#pragma once
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/uio.h>
ssize_t lwip_read(int socket, void *bytes, size_t size);
ssize_t lwip_readv(int socket, const iovec *vectors, int count);
ssize_t lwip_write(int socket, const void *bytes, size_t size);
ssize_t lwip_writev(int socket, const iovec *vectors, int count);
