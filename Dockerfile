# docker build -t cadenza . && docker run -e DISCORD_TOKEN=... -v cadenza-data:/cadenza/data cadenza
FROM python:3.12-slim-bookworm

# Debian keeps one version of each, and takes it away when there is a newer one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fluidsynth timgm6mb-soundfont \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /cadenza
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY core core
COPY bot bot
RUN pip install --no-cache-dir -c constraints.txt -e '.[postgresql]'
COPY models models
COPY soundfonts soundfonts

RUN useradd --create-home --uid 1000 composer && mkdir data && chown composer data
USER 1000
VOLUME /cadenza/data
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]
