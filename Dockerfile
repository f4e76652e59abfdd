# docker build -t cadenza . && docker run -e DISCORD_TOKEN=... -v cadenza-data:/cadenza/data cadenza
FROM python:3.12-slim-bookworm

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

RUN useradd --create-home composer && mkdir data && chown composer data
USER composer
VOLUME /cadenza/data
STOPSIGNAL SIGTERM
CMD ["python", "-m", "bot"]
