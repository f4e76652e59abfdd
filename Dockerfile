# docker build -t cadenza . && docker run --init -e DISCORD_TOKEN=... -v cadenza-data:/cadenza/data cadenza
FROM python:3.12-slim-bookworm AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.12-slim-bookworm
# Debian keeps one version of each, and takes it away when there is a newer one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fluidsynth fluid-soundfont-gm \
    && rm -rf /var/lib/apt/lists/*

# What Cadenza needs comes before Cadenza, so that an edit of it does not install TensorFlow again.
WORKDIR /cadenza
COPY pyproject.toml constraints.txt ./
# For many processes it takes others, as compose.many.yaml has them; they are words, not one.
ARG EXTRAS="--extra postgresql --extra train"
# hadolint ignore=SC2086
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip install --system --no-cache -c constraints.txt -r pyproject.toml --extra film --extra hum $EXTRAS
RUN --mount=from=wheel,source=/wheel,target=/wheel \
    pip install --no-cache-dir --no-deps --no-index /wheel/*.whl
# What is in C makes composing two to three times as fast, and its compiler need not stay.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && python -m core.model.compiled \
    && apt-get purge -y --auto-remove gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 composer && mkdir data && chown composer data
USER 1000
VOLUME /cadenza/data
# The bot touches this file every half minute while Discord hears it.
HEALTHCHECK --interval=1m --timeout=5s --start-period=2m CMD test -n "$(find data/alive -mmin -2)"
STOPSIGNAL SIGTERM
CMD ["cadenza"]
