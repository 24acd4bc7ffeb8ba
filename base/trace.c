/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unwinder is the compiler's (libgcc, a shared object of the program, so nothing is loaded in
 * the handler). It asks the C library for an object's tables by _dl_find_object, which is
 * async-signal-safe (glibc 2.35, gcc 12 and newer).
 */
#include "base/trace.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <unwind.h>

#define MOST_OBJECTS 256
#define FIRST_CALLS  24
#define LAST_CALLS   16
#define NAME_BYTES   48
#define ID_BYTES     32

struct object {
    char name[NAME_BYTES];
    uintptr_t base, from, to;
};

static struct object object[MOST_OBJECTS];
static atomic_size_t objects;
static char build_id[2 * ID_BYTES + 1] = "none";

/* The innermost and the outermost calls; what lies between them in an endless recursion is left
 * out. */
static uintptr_t call[FIRST_CALLS + LAST_CALLS];
static atomic_size_t calls; /* all that were seen */

static void read_build_id(const unsigned char *p, size_t left)
{
    ElfW(Nhdr) note;

    while (left >= sizeof(note)) {
        size_t name, size;

        memcpy(&note, p, sizeof(note));
        name = (note.n_namesz + 3u) & ~(size_t)3;
        size = sizeof(note) + name + ((note.n_descsz + 3u) & ~(size_t)3);
        if (size > left)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(p + sizeof(note), "GNU", 4) == 0 && note.n_descsz <= ID_BYTES) {
            const unsigned char *id = p + sizeof(note) + name;

            for (size_t i = 0; i < note.n_descsz; i++) {
                build_id[2 * i] = "0123456789abcdef"[id[i] >> 4];
                build_id[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
            }
            build_id[2 * note.n_descsz] = 0;
            return;
        }
        p += size;
        left -= size;
    }
}

/* The program itself comes first, and has no name. */
static void read_notes(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_NOTE) {
            uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

            read_build_id((const unsigned char *)at, info->dlpi_phdr[i].p_memsz);
        }
}

static int note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    size_t n = atomic_load(&objects);
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *name = slash ? slash + 1 : n ? info->dlpi_name : "kmeans";
    struct object *o = &object[n];

    (void)size, (void)arg;
    for (size_t i = 0; i < n; i++)
        if (object[i].base == info->dlpi_addr)
            return 0; /* known already */
    if (n == 0)
        read_notes(info);
    if (n == MOST_OBJECTS)
        return 1;
    *o = (struct object){.base = info->dlpi_addr, .from = UINTPTR_MAX};
    strncpy(o->name, name, sizeof(o->name) - 1);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;

        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        o->from = from < o->from ? from : o->from;
        o->to = from + p->p_memsz > o->to ? from + p->p_memsz : o->to;
    }
    atomic_store(&objects, n + 1);
    return 0;
}

static const struct object *find_object(uintptr_t at)
{
    for (size_t i = 0; i < atomic_load(&objects); i++)
        if (at >= object[i].from && at < object[i].to)
            return &object[i];
    return NULL;
}

/* Where the n-th call is kept; the outermost go round. */
static size_t slot(size_t n)
{
    return n < FIRST_CALLS ? n : FIRST_CALLS + (n - FIRST_CALLS) % LAST_CALLS;
}

static void add(uintptr_t at)
{
    size_t n = atomic_load(&calls);

    call[slot(n)] = at;
    atomic_store(&calls, n + 1);
}

/* The first call is the signal's place itself; what comes before it are we. */
static _Unwind_Reason_Code collect(struct _Unwind_Context *context, void *arg)
{
    int exact = 0, *begun = arg;
    uintptr_t at = _Unwind_GetIPInfo(context, &exact);

    if (at == 0)
        return _URC_END_OF_STACK;
    if (*begun)
        add(exact ? at : at - 1);
    else if (at == call[0])
        *begun = 1;
    return _URC_NO_REASON;
}

static _Unwind_Reason_Code count(struct _Unwind_Context *context, void *arg)
{
    (void)arg;
    return _Unwind_GetIP(context) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void km_trace_prepare(void)
{
    dl_iterate_phdr(note_object, NULL);
    _Unwind_Backtrace(count, NULL);
}

const char *km_trace_build_id(void)
{
    return build_id;
}

/* Who called a place that is no code, such as a function pointer that is NULL. */
static uintptr_t caller_of(const ucontext_t *where)
{
#if defined(__x86_64__)
    const uintptr_t *top = (const uintptr_t *)where->uc_mcontext.gregs[REG_RSP];

    return *top;
#elif defined(__aarch64__)
    return where->uc_mcontext.regs[30];
#else
    (void)where;
    return 0;
#endif
}

static uintptr_t place_of(const ucontext_t *where)
{
#if defined(__x86_64__)
    return (uintptr_t)where->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return where->uc_mcontext.pc;
#else
    (void)where;
    return 0;
#endif
}

void km_trace_take(const ucontext_t *where)
{
    uintptr_t at = place_of(where);
    int begun = 0;

    add(at);
    if (find_object(at))
        _Unwind_Backtrace(collect, &begun);
    else if (find_object(at = caller_of(where)))
        add(at - 1);
}

static void put_call(struct km_line *l, uintptr_t at)
{
    const struct object *o = find_object(at);

    if (o) {
        km_line_text(l, o->name);
        km_line_text(l, "+");
    }
    km_line_hex(l, at - (o ? o->base : 0));
}

void km_trace_put(struct km_line *l)
{
    size_t n = atomic_load(&calls);

    for (size_t i = 0; i < n; i++) {
        if (i)
            km_line_text(l, " ");
        if (i == FIRST_CALLS && n > FIRST_CALLS + LAST_CALLS) {
            km_line_text(l, "... ");
            i = n - LAST_CALLS;
        }
        put_call(l, call[slot(i)]);
    }
}
