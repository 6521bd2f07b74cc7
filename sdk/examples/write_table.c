/* SPDX-License-Identifier: Apache-2.0 */
/* A sink of one's own: WriteTable writes rows of any type into the files of a table, as CSV with
 * the names of the fields above:
 *
 *     write_table --input=sales.csv --output=warehouse --table=sales --shards=2
 *         -> warehouse/sales-0.csv, warehouse/sales-1.csv
 *
 * It is a composite with options.  Rows are spread over shards by what is in them, so that a shard
 * holds the same rows however often it is written (one that gets none has no file); a shard is
 * written beside its name and renamed when its bundle is done, so that a table never has half of a
 * file.  The DoFn that writes has all
 * of a DoFn's life: setup makes the directory, start_bundle and finish_bundle begin and commit,
 * teardown puts away what was not committed. */
#include <beamc/beamc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the sink: configuration ----------------------------------------------------------------- */

typedef struct {
    const char *table;
    const char *directory;
    int64_t shards; /* 0: 1 */
} write_table_options;

#define TABLE_CONFIG(F) F(string, table) F(string, directory) F(int64, shards)
BEAMC_ROW(table_config, TABLE_CONFIG)

static void show_table(const void *config, beamc_display *display)
{
    const table_config *self = (const table_config *)config;

    beamc_display_string(display, "table", "Table", self->table);
    beamc_display_string(display, "directory", "Directory", self->directory);
    beamc_display_int64(display, "shards", "Shards", self->shards);
}

/* ---- the sink: a shard for each row ---------------------------------------------------------- */

/* T -> KV<int64, T>, for any row type T: no words for these, so the table is written out. */
static beamc_error *key_by_shard_types(const beamc_dofn *dofn, const beamc_type *input,
                                       const void *config, beamc_arena *arena,
                                       beamc_dofn_types *out)
{
    (void)config;
    if (input->kind != BEAMC_KIND_ROW)
        return beamc_error_new(BEAMC_ETYPE, "%s takes rows, not %s", dofn->function.name,
                               input->name);
    out->output = beamc_type_kv(arena, BEAMC_TYPE(int64), input);
    return out->output != NULL ? NULL : beamc_error_nomem();
}

static beamc_error *key_by_shard_setup(beamc_context *ctx)
{
    beamc_buffer_init((beamc_buffer *)beamc_instance(ctx));
    return NULL;
}

static void key_by_shard_teardown(beamc_context *ctx)
{
    beamc_buffer_dispose((beamc_buffer *)beamc_instance(ctx));
}

static beamc_error *key_by_shard_process(beamc_context *ctx, const void *element)
{
    const table_config *config = (const table_config *)beamc_config(ctx);
    const beamc_type *kv = ctx->output_types[0];
    beamc_buffer *bytes = (beamc_buffer *)beamc_instance(ctx);
    char *pair = (char *)beamc_alloc(ctx, kv->size);
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    beamc_buffer_clear(bytes);
    int code = beamc_encode(beamc_type_bare(ctx->input), element, false, bytes);
    if (code < 0)
        return beamc_error_new((beamc_code)code, "encoding a row");
    if (pair == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < bytes->size; i++)
        hash = (hash ^ bytes->data[i]) * 1099511628211u;
    *(int64_t *)pair = (int64_t)(hash % (uint64_t)config->shards);
    memcpy(pair + beamc_kv_value_offset(kv), element, ctx->input->size);
    return beamc_emit_value(ctx, 0, pair);
}

static const beamc_dofn key_by_shard = {
    .function = { BEAMC_FUNCTION_DOFN, "key_by_shard" },
    .process = key_by_shard_process,
    .setup = key_by_shard_setup,
    .teardown = key_by_shard_teardown,
    .config = BEAMC_TYPE(table_config),
    .instance_size = sizeof(beamc_buffer),
    .infer = key_by_shard_types,
};
BEAMC_REGISTER(key_by_shard)

/* ---- the sink: writing ----------------------------------------------------------------------- */

BEAMC_COUNTER(rows_written, "write_table")

enum { PATH_SIZE = 1024 };

/* Written beside its name until the bundle is done. */
typedef struct pending_file {
    struct pending_file *next;
    char path[PATH_SIZE];
    char beside[PATH_SIZE + 32];
} pending_file;

typedef struct {
    pending_file *pending;
} writer;

static beamc_error *write_rows_types(const beamc_dofn *dofn, const beamc_type *input,
                                     const void *config, beamc_arena *arena,
                                     beamc_dofn_types *out)
{
    (void)config;
    (void)arena;
    (void)out; /* it has no output */
    if (input->kind != BEAMC_KIND_KV || input->fields[1].type->kind != BEAMC_KIND_ITERABLE)
        return beamc_error_new(BEAMC_ETYPE, "%s takes grouped rows, not %s", dofn->function.name,
                               input->name);
    return NULL;
}

static beamc_error *write_rows_setup(beamc_context *ctx)
{
    const table_config *config = (const table_config *)beamc_config(ctx);
    char directory[PATH_SIZE];

    snprintf(directory, sizeof(directory), "%.*s", BEAMC_STR(config->directory));
    if (mkdir(directory, 0777) < 0 && errno != EEXIST)
        return beamc_error_system(errno, "%s", directory);
    return NULL;
}

static void forget_pending(writer *self)
{
    for (pending_file *file; (file = self->pending) != NULL; free(file)) {
        self->pending = file->next;
        unlink(file->beside);
    }
}

static beamc_error *write_rows_start(beamc_context *ctx)
{
    forget_pending((writer *)beamc_instance(ctx));
    return NULL;
}

/* Quotes what would not be one field. */
static void write_field(FILE *file, const char *data, size_t size)
{
    bool quoted = false;

    for (size_t i = 0; i < size; i++)
        quoted = quoted || strchr(",\"\r\n", data[i]) != NULL;
    if (!quoted) {
        fwrite(data, 1, size, file);
        return;
    }
    putc('"', file);
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"')
            putc('"', file);
        putc(data[i], file);
    }
    putc('"', file);
}

static void write_row(FILE *file, const beamc_type *type, const char *row, beamc_buffer *text)
{
    size_t at = 0;

    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *field = type->fields[i].type;
        at = BEAMC_ALIGN_UP(at, field->align);
        beamc_buffer_clear(text);
        beamc_print(field, row + at, text);
        if (i > 0)
            putc(',', file);
        write_field(file, (const char *)text->data, text->size);
        at += field->size;
    }
    putc('\n', file);
}

static beamc_error *write_shard(beamc_context *ctx, FILE *file, const beamc_iterable *rows)
{
    const beamc_type *type = beamc_type_bare(rows->element); /* has the fields */
    void *row = beamc_alloc(ctx, type->size);
    beamc_iterator iterator;
    beamc_buffer text;

    if (row == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < type->field_count; i++)
        fprintf(file, "%s%s", i > 0 ? "," : "", type->fields[i].name);
    putc('\n', file);
    beamc_buffer_init(&text);
    for (beamc_iterate(&iterator, rows); beamc_next(&iterator, row);) {
        write_row(file, type, (const char *)row, &text);
        beamc_counter_add(ctx, &rows_written, 1);
    }
    bool no_memory = beamc_buffer_failed(&text);
    beamc_buffer_dispose(&text);
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return no_memory ? beamc_error_nomem() : NULL;
}

static beamc_error *write_rows_process(beamc_context *ctx, const void *element)
{
    const table_config *config = (const table_config *)beamc_config(ctx);
    writer *self = (writer *)beamc_instance(ctx);
    int64_t shard = *(const int64_t *)element;
    const beamc_iterable *rows =
        (const beamc_iterable *)((const char *)element + beamc_kv_value_offset(ctx->input));

    pending_file *pending = (pending_file *)calloc(1, sizeof(*pending));
    if (pending == NULL)
        return beamc_error_nomem();
    snprintf(pending->path, PATH_SIZE, "%.*s/%.*s-%" PRId64 ".csv", BEAMC_STR(config->directory),
             BEAMC_STR(config->table), shard);
    snprintf(pending->beside, sizeof(pending->beside), "%s.%ld.tmp", pending->path, (long)getpid());
    pending->next = self->pending;
    self->pending = pending;

    FILE *file = fopen(pending->beside, "w");
    if (file == NULL)
        return beamc_error_system(errno, "%s", pending->beside);
    beamc_error *error = write_shard(ctx, file, rows);
    bool failed = ferror(file) != 0;
    if ((fclose(file) != 0 || failed) && error == NULL)
        error = beamc_error_system(errno, "writing %s", pending->beside);
    return error;
}

static beamc_error *write_rows_finish(beamc_context *ctx)
{
    writer *self = (writer *)beamc_instance(ctx);

    for (pending_file *file; (file = self->pending) != NULL; free(file)) {
        if (rename(file->beside, file->path) < 0)
            return beamc_error_system(errno, "%s", file->path);
        self->pending = file->next;
    }
    return NULL;
}

static void write_rows_teardown(beamc_context *ctx)
{
    forget_pending((writer *)beamc_instance(ctx));
}

static const beamc_dofn write_rows = {
    .function = { BEAMC_FUNCTION_DOFN, "write_rows" },
    .process = write_rows_process,
    .setup = write_rows_setup,
    .start_bundle = write_rows_start,
    .finish_bundle = write_rows_finish,
    .teardown = write_rows_teardown,
    .config = BEAMC_TYPE(table_config),
    .instance_size = sizeof(writer),
    .infer = write_rows_types,
    .display = show_table,
};
BEAMC_REGISTER(write_rows)

/* ---- the sink: the composite ----------------------------------------------------------------- */

static void write_table(beamc_pcollection rows, const write_table_options *options)
{
    beamc_pipeline *p = rows.pipeline;
    const table_config config = { beamc_string_of(options->table),
                                  beamc_string_of(options->directory),
                                  options->shards != 0 ? options->shards : 1 };
    const beamc_composite_options composite = { .display = show_table, .config = &config };
    const beamc_par_do_options configured = { .config = &config };

    if (config.shards < 1 || config.shards > 1000)
        beamc_pipeline_fail(p, BEAMC_HERE,
                            beamc_error_new(BEAMC_EINVAL, "WriteTable: %" PRId64 " shards; there "
                                            "can be 1 to 1000", config.shards));
    beamc_enter(p, "WriteTable", &composite);
    beamc_pcollection keyed = beamc_par_do_with(rows, &key_by_shard, &configured);
    beamc_par_do_with(beamc_group_by_key(keyed), &write_rows, &configured);
    beamc_leave(p);
}

/* ---- the program ----------------------------------------------------------------------------- */

#define SALE(F) F(string, shop) F(string, item) F(int64, cents)
BEAMC_ROW(sale, SALE)

/* Lines of "shop;item;cents". */
BEAMC_DOFN(parse_sale, string, sale)
{
    const char *line = element->data, *end = line + element->size;
    const char *first = element->size > 0 ? (const char *)memchr(line, ';', element->size) : NULL;
    const char *second =
        first != NULL ? (const char *)memchr(first + 1, ';', (size_t)(end - first - 1)) : NULL;
    char cents[24];

    if (second == NULL || end - second - 1 >= (ptrdiff_t)sizeof(cents))
        return beamc_error_new(BEAMC_EINVAL, "'%.*s' is no shop;item;cents", BEAMC_STR(*element));
    snprintf(cents, sizeof(cents), "%.*s", (int)(end - second - 1), second + 1);
    const sale parsed = { { line, (size_t)(first - line) },
                          { first + 1, (size_t)(second - first - 1) },
                          atoll(cents) };
    return beamc_emit(ctx, &parsed);
}

static const beamc_option_spec program_options[] = {
    { .name = "output", .help = "directory of the table's files", .placeholder = "DIR",
      .required = true },
    { .name = "table", .help = "name of the table", .default_value = "sales",
      .placeholder = "NAME" },
    { .name = "shards", .help = "how many files the table is spread over", .default_value = "2",
      .kind = BEAMC_OPTION_INT64 },
};

static void build(beamc_pipeline *p, const beamc_options *options)
{
    const write_table_options table = { .table = beamc_option(options, "table"),
                                        .directory = beamc_option(options, "output"),
                                        .shards = beamc_option_int64(options, "shards", 0) };

    beamc_pcollection lines = beamc_read_text(p, beamc_option(options, "input"));
    write_table(beamc_par_do(lines, &parse_sale), &table);
}

int main(int argc, char **argv)
{
    return beamc_main_options(argc, argv, build, program_options, 3);
}
