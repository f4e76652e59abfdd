/* The scan and what stands around a step of the network, for many pieces at once: what hearing.Ear, memory.Memory,
 * told.Guide, frames.Listener and stepping.Stepper do in Python, to the last bit. They say why; this is only faster.
 * compiled.py compiles it, and defines the constants that are not defined here. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_RINGING = 160, /* a chord that keeps to the grammar has 128 notes at most */
    PLANNED = REPEATS,
    SEQUENCE = PLANNED + 1,
    RHYTHM = SEQUENCE + SEQUENCES,
    PASSAGE = RHYTHM + RHYTHMS,
    LINE = PASSAGE + 1,
    PREDICTORS = LINE + 1,
    HEARD = 6 + 3 * VOICES, /* columns of a frame: base, id, pitch, step, place, bar, and voices */
    REMEMBERED = HEARD + 2 * PREDICTORS + 6
};

typedef struct {
    int32_t pitch, start, voice;
} Ringing;

typedef struct {
    int32_t count;
    Ringing notes[MOST_RINGING];
} Voices;

typedef struct {
    int32_t agreeing, at, run, count, capacity;
    int32_t *symbols;
} Follower;

typedef struct {
    int32_t start, end, kind, source;
} Section;

typedef struct {
    int32_t first, count; /* its pitches in the pool; none where nothing begins */
    int32_t step, gap;
} Unit;

typedef struct {
    /* The ear. */
    int32_t time, base, now_count;
    int32_t upwards, units_per_bar, fine, remembers;
    uint8_t now[MOST_RINGING];
    Voices ringing, before;
    /* The guide. */
    int32_t bar, bar_fine, tonic, mode, metre, length, sections, phrases, source;
    int32_t away, back, away_tonic, away_mode; /* from `away` until before `back` another home is told */
    int32_t told[6];
    Section *plan;
    int32_t *phrase_ends;
    /* The memory. */
    int32_t repeats[REPEATS], sequences[SEQUENCES], rhythms[RHYTHMS];
    int32_t named[PREDICTORS], runs[PREDICTORS];
    Unit *units;
    int32_t unit_count, unit_capacity;
    uint8_t *pool;
    int32_t pool_count, pool_capacity;
    int32_t latest, chord, resting; /* `chord` pitches at the pool's end are of the event that is being written */
    Follower passage, line;
    int32_t top, top_since; /* top is NOTHING before there is a line */
} Listener;

/* Make room for one more, by halves again as much. */
static int grow(void **array, int32_t *capacity, int32_t needed, size_t size)
{
    if (needed <= *capacity)
        return 1;
    int32_t most = needed + needed / 2 + 64;
    void *larger = realloc(*array, most * size);
    if (!larger)
        return 0;
    *array = larger;
    *capacity = most;
    return 1;
}

static int is_note(int32_t token) { return token >= NOTES && token < INTERVALS; }
static int is_interval(int32_t token) { return token >= INTERVALS && token < RESTS; }
static int32_t note_of(int32_t pitch) { return pitch >= 0 && pitch <= 127 ? NOTES + pitch : NOTHING; }
static int32_t rest_of(int32_t gap) { return RESTS - 1 + (gap > 0 && gap < LONGEST_REST ? gap : LONGEST_REST); }

/* ---- told.Guide ---- */

static int32_t left(const Listener *self, int32_t units, int32_t furthest)
{
    if (units <= self->bar)
        return (units > 0 ? units : 0) * self->bar_fine;
    int32_t bars = (units + self->bar - 1) / self->bar;
    return TOLD_PLACES - 1 + (bars < furthest ? bars : furthest);
}

static void reach(Listener *self, int32_t time)
{
    self->source = 0;
    self->told[0] = self->length < 0 ? LEFTS : left(self, self->length - time, FURTHEST);
    int32_t away = self->away <= time && time < self->back;
    self->told[1] = away ? self->away_tonic : self->tonic;
    self->told[2] = away ? self->away_mode : self->mode;
    self->told[3] = ALL_SECTIONS;
    if (self->sections) {
        int32_t at = 0;
        while (at < self->sections - 1 && self->plan[at].end <= time)
            at++;
        const Section *section = &self->plan[at];
        int32_t from = time > section->start ? time : section->start;
        self->told[3] = section->kind * (TOLD_PLACES + FURTHEST_IN_SECTION)
                      + left(self, section->end - from, FURTHEST_IN_SECTION);
        if (section->source >= 0)
            self->source = section->start - section->source;
    }
    self->told[4] = self->metre + time % self->bar * self->bar_fine;
    self->told[5] = PHRASES;
    if (self->phrases) {
        int32_t at = 0;
        while (at < self->phrases - 1 && self->phrase_ends[at] <= time)
            at++;
        self->told[5] = left(self, self->phrase_ends[at] - time, FURTHEST_IN_PHRASE);
    }
}

/* ---- hearing.Ear, and the voice leading of core.music.voices ---- */

static void still_sounding(const Voices *ringing, int32_t now, int32_t bar, Voices *out)
{
    out->count = 0;
    for (int32_t i = 0; i < ringing->count; i++)
        if (now < ringing->notes[i].start + bar)
            out->notes[out->count++] = ringing->notes[i];
}

static int before_in_order(Ringing a, Ringing b)
{
    if (a.pitch != b.pitch)
        return a.pitch < b.pitch;
    if (a.start != b.start)
        return a.start < b.start;
    return a.voice < b.voice;
}

/* Let an event's pitches so far, ascending in `now`, follow on what rang before it. */
static void sound(Listener *self, const Voices *before)
{
    Voices going_on;
    still_sounding(before, self->time, self->units_per_bar, &going_on);
    self->before = going_on;
    Voices *after = &self->ringing;
    int32_t count = self->now_count;
    after->count = 0;
    if (count >= going_on.count) {
        for (int32_t i = 0; i < count; i++)
            after->notes[after->count++] = (Ringing){self->now[i], self->time, count - 1 - i};
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t pitch = self->now[i], nearest = 0;
        for (int32_t j = 1; j < going_on.count; j++) {
            int32_t far = abs(going_on.notes[j].pitch - pitch), near = abs(going_on.notes[nearest].pitch - pitch);
            if (far < near || (far == near && going_on.notes[j].pitch < going_on.notes[nearest].pitch))
                nearest = j;
        }
        after->notes[after->count++] = (Ringing){pitch, self->time, going_on.notes[nearest].voice};
        going_on.count--;
        memmove(going_on.notes + nearest, going_on.notes + nearest + 1, (going_on.count - nearest) * sizeof(Ringing));
    }
    for (int32_t i = 0; i < going_on.count; i++)
        after->notes[after->count++] = going_on.notes[i];
    for (int32_t i = 1; i < after->count; i++) { /* few, and nearly in order */
        Ringing note = after->notes[i];
        int32_t j = i;
        for (; j > 0 && before_in_order(note, after->notes[j - 1]); j--)
            after->notes[j] = after->notes[j - 1];
        after->notes[j] = note;
    }
}

/* ---- memory.Memory ---- */

static int take(Follower *self, int32_t symbol)
{
    if (!grow((void **)&self->symbols, &self->capacity, self->count + 1, sizeof *self->symbols))
        return 0;
    if (self->at >= 0 && self->symbols[self->at] == symbol) {
        self->at++;
        self->run++;
    } else
        self->at = NOTHING;
    self->symbols[self->count++] = symbol;
    if (self->at >= 0)
        return 1;
    const int32_t *latest = self->symbols + self->count - self->agreeing;
    for (int32_t at = self->count - 1; at >= self->agreeing; at--) {
        const int32_t *earlier = self->symbols + at - self->agreeing;
        if (self->symbols[at - 1] != symbol || memcmp(earlier, latest, self->agreeing * sizeof *latest))
            continue;
        int32_t most = at < LONGEST_RUN ? at : LONGEST_RUN;
        self->at = at;
        self->run = self->agreeing;
        while (self->run < most && self->symbols[at - 1 - self->run] == self->symbols[self->count - 1 - self->run])
            self->run++;
        break;
    }
    return 1;
}

static int32_t next_of(const Follower *self) { return self->at >= 0 ? self->symbols[self->at] : NOTHING; }

static int forget(Listener *self)
{
    for (int32_t k = 0; k < PREDICTORS; k++) {
        self->named[k] = NOTHING;
        self->runs[k] = 0;
    }
    if (!grow((void **)&self->units, &self->unit_capacity, 1, sizeof *self->units))
        return 0;
    self->units[0] = (Unit){0};
    self->unit_count = 1;
    self->pool_count = self->latest = self->chord = 0;
    self->resting = 1;
    self->passage.at = self->line.at = NOTHING;
    self->passage.run = self->passage.count = self->line.run = self->line.count = 0;
    self->top = NOTHING;
    self->top_since = 0;
    return 1;
}

static void count_runs(Listener *self, int32_t token)
{
    for (int32_t k = 0; k < PREDICTORS; k++) {
        if (self->named[k] < 0)
            continue;
        if (self->named[k] == token)
            self->runs[k]++;
        else if (k < RHYTHM || k >= PASSAGE || token >= RESTS)
            self->runs[k] = 0;
    }
}

static int add_to_chord(Listener *self, int32_t pitch)
{
    if (!grow((void **)&self->pool, &self->pool_capacity, self->pool_count + 1, 1))
        return 0;
    self->pool[self->pool_count++] = (uint8_t)pitch;
    self->chord++;
    return 1;
}

static int begin(Listener *self, int32_t step, int32_t pitch)
{
    if (self->top == NOTHING)
        step = FIRST_STEP;
    for (int32_t unit = self->latest; unit < self->time; unit++)
        self->units[unit].gap = self->time - unit;
    self->latest = self->time;
    self->units[self->time].step = step;
    self->pool_count -= self->chord; /* of an event that was left without a rest */
    self->chord = 0;
    return add_to_chord(self, pitch) && take(&self->passage, NEW_NOTE + step + 127);
}

/* Take the event that is complete, if the upper line moved in it. */
static int follow_line(Listener *self)
{
    for (int32_t i = self->ringing.count - 1; i >= 0; i--) {
        const Ringing *note = &self->ringing.notes[i];
        if (note->start != self->latest || note->voice)
            continue;
        int32_t moved = self->latest - self->top_since;
        int32_t step = self->top == NOTHING ? FIRST_STEP : note->pitch - self->top;
        self->top = note->pitch;
        self->top_since = self->latest;
        return take(&self->line, (step + 127) << 6 | (moved < 63 ? moved : 63));
    }
    return 1;
}

static int rest(Listener *self, int32_t token)
{
    if (self->chord) {
        self->units[self->latest].first = self->pool_count - self->chord;
        self->units[self->latest].count = self->chord;
        self->chord = 0;
        if (!follow_line(self))
            return 0;
    }
    int32_t units = token - RESTS + 1;
    self->resting = units == LONGEST_REST;
    if (!grow((void **)&self->units, &self->unit_capacity, self->unit_count + units, sizeof *self->units))
        return 0;
    memset(self->units + self->unit_count, 0, units * sizeof *self->units);
    self->unit_count += units;
    return take(&self->passage, token);
}

static int32_t repeated(const Listener *self, int32_t lag)
{
    int32_t then = self->time - lag;
    if (then < 0 || !lag)
        return NOTHING;
    const Unit *unit = &self->units[then];
    const uint8_t *pitches = self->pool + unit->first;
    if (self->chord) {
        int32_t last = self->pool[self->pool_count - 1];
        for (int32_t i = 0; i < unit->count; i++)
            if (self->upwards ? pitches[i] > last : pitches[i] < last)
                return INTERVALS - 1 + abs(pitches[i] - self->base);
        return rest_of(unit->gap);
    }
    if (unit->count)
        return NOTES + pitches[0];
    return self->resting ? rest_of(unit->gap) : NOTHING;
}

static int32_t in_sequence(const Listener *self, int32_t lag)
{
    int32_t then = self->time - lag;
    if (then < 0)
        return NOTHING;
    const Unit *unit = &self->units[then];
    const uint8_t *pitches = self->pool + unit->first;
    if (self->chord)
        return self->chord < unit->count ? INTERVALS - 1 + abs(pitches[self->chord] - pitches[0]) : rest_of(unit->gap);
    if (unit->count)
        return note_of(self->base + unit->step);
    return self->resting ? rest_of(unit->gap) : NOTHING;
}

/* Name the token that would take the upper line where it went the time before. */
static int32_t in_line(const Listener *self)
{
    int32_t move = next_of(&self->line);
    if (move < 0 || self->top == NOTHING || self->time - self->top_since != (move & 63))
        return NOTHING;
    int32_t pitch = self->top + (move >> 6) - 127;
    if (!self->chord)
        return !self->upwards || self->ringing.count < 2 ? note_of(pitch) : NOTHING;
    int32_t last = self->pool[self->pool_count - 1];
    return self->upwards && last < pitch && pitch <= 127 ? INTERVALS - 1 + pitch - self->base : NOTHING;
}

static void name(Listener *self)
{
    int32_t *named = self->named;
    for (int32_t i = 0; i < REPEATS; i++)
        named[i] = repeated(self, self->repeats[i]);
    named[PLANNED] = repeated(self, self->source);
    for (int32_t i = 0; i < SEQUENCES; i++)
        named[SEQUENCE + i] = in_sequence(self, self->sequences[i]);
    for (int32_t i = 0; i < RHYTHMS; i++) {
        int32_t then = self->time - self->rhythms[i];
        int asked = then >= 0 && (self->chord || self->resting);
        named[RHYTHM + i] = asked ? rest_of(self->units[then].gap) : NOTHING;
    }
    int32_t symbol = next_of(&self->passage);
    named[PASSAGE] = symbol >= NEW_NOTE ? note_of(self->base + symbol - NEW_NOTE - 127) : symbol;
    named[LINE] = in_line(self);
    self->runs[PASSAGE] = self->passage.run;
    self->runs[LINE] = self->line.run;
}

/* Tell in which of eight buckets a run is: nothing named; right 0, 1, 2-3, 4-7, 8-15, 16-31, 32 and more times. */
static int32_t bucket(int32_t named, int32_t run)
{
    if (named < 0)
        return 0;
    int32_t at = 1;
    for (run = run < LONGEST_RUN ? run : LONGEST_RUN; run; run >>= 1)
        at++;
    return at;
}

/* ---- frames.Listener ---- */

static void write_pitches(int16_t *slots, const Voices *voices)
{
    for (int32_t i = 0; i < VOICES; i++)
        slots[i] = i < voices->count ? voices->notes[i].pitch : NONE;
}

static int hear_one(Listener *self, int32_t token, int16_t *frame)
{
    int32_t pitch = NONE, step = NO_STEP;
    if (is_note(token)) {
        pitch = token - NOTES;
        step = pitch - self->base + 127;
        self->base = pitch;
        self->now[0] = (uint8_t)pitch;
        self->now_count = 1;
        Voices ringing = self->ringing;
        sound(self, &ringing);
    } else if (is_interval(token)) {
        int32_t distance = token - INTERVALS + 1, at = self->now_count;
        pitch = self->upwards ? self->base + distance : self->base - distance;
        if (pitch < 0 || pitch > 127 || at >= 128)
            return 0;
        for (; at > 0 && self->now[at - 1] > pitch; at--)
            self->now[at] = self->now[at - 1];
        self->now[at] = (uint8_t)pitch;
        self->now_count++;
        Voices before = self->before;
        sound(self, &before);
    } else if (token >= RESTS)
        self->time += token - RESTS + 1;
    else {
        self->time = self->now_count = self->ringing.count = self->before.count = 0;
        self->base = START;
    }
    frame[0] = self->base;
    frame[1] = token;
    frame[2] = pitch;
    frame[3] = step;
    frame[4] = self->time % self->units_per_bar * self->fine;
    frame[5] = self->time / self->units_per_bar % BARS;
    write_pitches(frame + 6, &self->ringing);
    write_pitches(frame + 6 + VOICES, &self->before);
    for (int32_t i = 0; i < VOICES; i++)
        frame[6 + 2 * VOICES + i] = i < self->now_count ? self->now[i] : NONE;
    if (!self->remembers)
        return 1;
    if (!token && !forget(self))
        return 0;
    if (!token || token >= RESTS)
        reach(self, self->time);
    if (token) {
        count_runs(self, token);
        int done = is_note(token)       ? begin(self, step - 127, pitch)
                   : is_interval(token) ? add_to_chord(self, pitch) && take(&self->passage, token)
                                        : rest(self, token);
        if (!done)
            return 0;
    }
    name(self);
    for (int32_t k = 0; k < PREDICTORS; k++) {
        frame[HEARD + k] = self->named[k];
        frame[HEARD + PREDICTORS + k] = bucket(self->named[k], self->runs[k]);
    }
    for (int32_t k = 0; k < 6; k++)
        frame[HEARD + 2 * PREDICTORS + k] = self->told[k];
    return 1;
}

/* Have each listener take a token and write its frame; return how many did, less than `count` if one could not. */
int32_t hear(Listener **listeners, const int32_t *tokens, int32_t count, int16_t *frames)
{
    int32_t i = 0;
    for (int32_t columns; i < count; i++, frames += columns) {
        columns = listeners[i]->remembers ? REMEMBERED : HEARD;
        if (!hear_one(listeners[i], tokens[i], frames))
            break;
    }
    return i;
}

static void *twin(const void *array, size_t size)
{
    void *copy = malloc(size ? size : 1);
    if (copy && size)
        memcpy(copy, array, size);
    return copy;
}

void listener_free(Listener *self)
{
    free(self->plan);
    free(self->phrase_ends);
    free(self->units);
    free(self->pool);
    free(self->passage.symbols);
    free(self->line.symbols);
    free(self);
}

/* Make a listener of what compiled.py lays out in `facts`; NULL without memory. */
Listener *listener_new(const int32_t *facts)
{
    Listener *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->base = START;
    self->upwards = *facts++;
    self->units_per_bar = *facts++;
    self->fine = *facts++;
    self->remembers = *facts++;
    for (int32_t i = 0; i < REPEATS; i++)
        self->repeats[i] = *facts++;
    for (int32_t i = 0; i < SEQUENCES; i++)
        self->sequences[i] = *facts++;
    for (int32_t i = 0; i < RHYTHMS; i++)
        self->rhythms[i] = *facts++;
    self->passage.agreeing = *facts++;
    self->line.agreeing = *facts++;
    self->bar = *facts++;
    self->bar_fine = *facts++;
    self->tonic = *facts++;
    self->mode = *facts++;
    self->metre = *facts++;
    self->length = *facts++;
    self->away = *facts++;
    self->back = *facts++;
    self->away_tonic = *facts++;
    self->away_mode = *facts++;
    self->sections = *facts++;
    self->phrases = *facts++;
    self->plan = twin(facts, self->sections * sizeof(Section));
    self->phrase_ends = twin(facts + 4 * self->sections, self->phrases * sizeof(int32_t));
    if (!self->plan || !self->phrase_ends || !forget(self)) {
        listener_free(self);
        return NULL;
    }
    reach(self, 0);
    return self;
}

/* Return another listener that has heard the same; NULL without memory. */
Listener *listener_copy(const Listener *from)
{
    Listener *self = twin(from, sizeof *from);
    if (!self)
        return NULL;
    self->plan = twin(from->plan, from->sections * sizeof(Section));
    self->phrase_ends = twin(from->phrase_ends, from->phrases * sizeof(int32_t));
    self->units = twin(from->units, from->unit_count * sizeof(Unit));
    self->unit_capacity = from->unit_count;
    self->pool = twin(from->pool, from->pool_count);
    self->pool_capacity = from->pool_count;
    self->passage.symbols = twin(from->passage.symbols, from->passage.count * sizeof(int32_t));
    self->passage.capacity = from->passage.count;
    self->line.symbols = twin(from->line.symbols, from->line.count * sizeof(int32_t));
    self->line.capacity = from->line.count;
    if (self->plan && self->phrase_ends && self->units && self->pool && self->passage.symbols && self->line.symbols)
        return self;
    listener_free(self);
    return NULL;
}

/* Write the pitches that ring, ascending; return how many. */
int32_t listener_ringing(const Listener *self, uint8_t *pitches)
{
    for (int32_t i = 0; i < self->ringing.count; i++)
        pitches[i] = (uint8_t)self->ringing.notes[i].pitch;
    return self->ringing.count;
}

/* ---- stepping.Stepper ---- */

#if defined(__GLIBC__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("default", "avx2")))
#else
#define WIDE
#endif

/* Add up rows of a table, one after the other; four at a time, since reading them takes longer than adding. */
WIDE static void sum_rows(const float *restrict table, const int64_t *rows, int32_t count, int32_t width,
                          float *restrict sum)
{
    int32_t i = 0;
    memset(sum, 0, width * sizeof *sum);
    for (; i + 4 <= count; i += 4) {
        const float *a = table + rows[i] * width, *b = table + rows[i + 1] * width;
        const float *c = table + rows[i + 2] * width, *d = table + rows[i + 3] * width;
        for (int32_t j = 0; j < width; j++)
            sum[j] = sum[j] + a[j] + b[j] + c[j] + d[j];
    }
    for (; i < count; i++) {
        const float *a = table + rows[i] * width;
        for (int32_t j = 0; j < width; j++)
            sum[j] += a[j];
    }
}

/* Write the first layer's input for each frame: the sum of the rows of the table that stepping._Inputs.choose names.
 * `firsts` says where each group of rows begins, `sizes` how many it has; beyond them there is nothing to add. */
void inputs(const int16_t *frames, int32_t count, int32_t remembers, const int64_t *firsts, const int64_t *sizes,
            const float *table, int32_t width, float *sums)
{
    enum { LEFT = HEARD + 2 * PREDICTORS, TONIC, MODE, SECTION, BEAT, PHRASE, MOST = 11 + 2 * VOICES + PREDICTORS };
    static const int columns[] = {1, 2, 3, 4, 5, LEFT, SECTION, BEAT, PHRASE, MODE};
    int32_t single = remembers ? 10 : 5, ringing = remembers ? 11 : 5, degrees = ringing + 1, runs = degrees + 1;
    for (; count--; frames += remembers ? REMEMBERED : HEARD, sums += width) {
        int64_t rows[MOST];
        int32_t found = 0, mode = remembers ? frames[MODE] : MODES, tonic = remembers ? frames[TONIC] : 0;
        for (int32_t i = 0; i < single; i++)
            if (frames[columns[i]] < sizes[i])
                rows[found++] = firsts[i] + frames[columns[i]];
        if (mode < MODES && frames[2] != NONE)
            rows[found++] = firsts[single] + (frames[2] - tonic + 144) % 12 + 12 * mode;
        for (int32_t i = 6; i < 6 + VOICES; i++)
            if (frames[i] != NONE)
                rows[found++] = firsts[ringing] + frames[i] % 12;
        if (mode < MODES)
            for (int32_t i = 6; i < 6 + VOICES; i++)
                if (frames[i] != NONE)
                    rows[found++] = firsts[degrees] + (frames[i] - tonic + 144) % 12 + 12 * mode;
        if (remembers)
            for (int32_t k = 0; k < PREDICTORS; k++)
                rows[found++] = firsts[runs] + k * RUNS + frames[HEARD + PREDICTORS + k];
        sum_rows(table, rows, found, width, sums);
    }
}

typedef struct {
    int32_t note, interval, step, pitch, near, repeat, note_degree, pitch_degree; /* where parts of the output begin */
    int32_t width, upwards, remembers;
} Layout;

/* Sum what is said by distance over the distances of each pitch from each voice, as stepping._near. */
static void near_voices(const float *by_distance, const int16_t *voices, float *near)
{
    double summed[128 + 2 * REACH] = {0};
    for (int32_t i = 0; i < VOICES; i++)
        if (voices[i] != NONE)
            for (int32_t d = 0; d < 2 * REACH + 1; d++)
                summed[voices[i] + d] += by_distance[d];
    for (int32_t pitch = 0; pitch < 128; pitch++)
        near[pitch] = (float)summed[REACH + pitch];
}

/* Add up, for each token, its own logit and those of what it would sound, as stepping.Stepper._head. */
void head(const Layout *layout, const float *out, const int16_t *frames, int32_t count, float *logits)
{
    int32_t columns = layout->remembers ? REMEMBERED : HEARD;
    for (; count--; out += layout->width, frames += columns, logits += SIZE) {
        float near[3][128], sounding[128];
        for (int32_t group = 0; group < 3; group++)
            near_voices(out + layout->near + group * (2 * REACH + 1), frames + 6 + group * VOICES, near[group]);
        for (int32_t pitch = 0; pitch < 128; pitch++)
            sounding[pitch] = near[1][pitch] + near[2][pitch] + out[layout->pitch + pitch];
        int32_t base = frames[0];
        if (layout->remembers && frames[HEARD + 2 * PREDICTORS + 2] < MODES) {
            int32_t tonic = frames[HEARD + 2 * PREDICTORS + 1], mode = frames[HEARD + 2 * PREDICTORS + 2];
            for (int32_t pitch = 0, degree = (12 - tonic) % 12; pitch < 128; pitch++, degree = (degree + 1) % 12) {
                near[0][pitch] += out[layout->note_degree + 12 * mode + degree];
                sounding[pitch] += out[layout->pitch_degree + 12 * mode + degree];
            }
        }
        logits[0] = out[0];
        for (int32_t rest = 0; rest < SIZE - RESTS; rest++)
            logits[RESTS + rest] = out[1 + rest];
        for (int32_t pitch = 0; pitch < 128; pitch++)
            logits[NOTES + pitch] = out[layout->step + 127 - base + pitch] + near[0][pitch] + out[layout->note + pitch];
        for (int32_t i = 0; i < 127; i++) {
            int32_t pitch = layout->upwards ? base + 1 + i : base - 1 - i;
            float sounds = pitch >= 0 && pitch <= 127 ? sounding[pitch] : 0;
            logits[INTERVALS + i] = sounds + out[layout->interval + i];
        }
        if (layout->remembers)
            for (int32_t k = 0; k < PREDICTORS; k++)
                if (frames[HEARD + k] != NOTHING)
                    logits[frames[HEARD + k]] += out[layout->repeat + k * RUNS + frames[HEARD + PREDICTORS + k]];
    }
}

/* ---- sampling ---- */

/* Write scores, of which numpy makes probabilities, and the logits below their peak, as sampling._weighed.
 * `allowed` has three ranges of tokens for each piece, `pulls` tonal gravity by pitch class (13), or is NULL. */
void weigh(const float *logits, int32_t count, const int32_t *allowed, const float *pulls, const int32_t *bases,
           int32_t upwards, float gravity, float temperature, float *scores, float *below)
{
    for (; count--; logits += SIZE, scores += SIZE, below += SIZE, allowed += 6) {
        float peak = logits[0], highest = -INFINITY;
        for (int32_t i = 0; i < SIZE; i++) {
            peak = logits[i] > peak ? logits[i] : peak;
            scores[i] = -INFINITY;
        }
        for (int32_t i = 0; i < SIZE; i++)
            below[i] = logits[i] - peak;
        for (int32_t range = 0; range < 6; range += 2)
            for (int32_t i = allowed[range]; i < allowed[range + 1]; i++) {
                scores[i] = logits[i];
                if (pulls && i >= NOTES && i < RESTS) {
                    int32_t step = i - INTERVALS + 1;
                    int32_t pitch = i < INTERVALS ? i - NOTES : upwards ? *bases + step : *bases - step;
                    scores[i] += pulls[(pitch + 132) % 12] * gravity;
                }
                highest = scores[i] > highest ? scores[i] : highest;
            }
        for (int32_t i = 0; i < SIZE; i++)
            scores[i] = (scores[i] - highest) / temperature;
        if (pulls) {
            pulls += 13;
            bases++;
        }
    }
}

/* Draw from probabilities (that need not add up to 1) the tokens at some shares of their sums, as sampling._drawn; sum
 * up `all`, and say how far below the peak each token's logit is. */
void draw(const float *probabilities, const double *shares, const float *all, const float *logits, int32_t count,
          int32_t *tokens, double *sums, float *far)
{
    for (; count--; probabilities += SIZE, all += SIZE, logits += SIZE) {
        float reached[SIZE], sum = 0, peak = logits[0];
        double total = 0;
        for (int32_t i = 0; i < SIZE; i++) {
            reached[i] = sum += probabilities[i];
            total += all[i];
            peak = logits[i] > peak ? logits[i] : peak;
        }
        double drawn = sum * *shares++;
        int32_t token = 0;
        while (token < SIZE - 1 && !(reached[token] > drawn))
            token++;
        token = reached[token] > drawn ? token : 0;
        *far++ = peak - logits[token];
        *tokens++ = token;
        *sums++ = total;
    }
}
