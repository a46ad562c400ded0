# One image for every role. No engine is needed to test it: its steps are make targets, and
# tests/unit/test_packaging.py checks each path it copies.
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Makefile pyproject.toml hatch_build.py README.md CHANGELOG.md alembic.ini ./
COPY requirements.txt requirements-dev.txt requirements-node.txt requirements-uv.txt ./
COPY .ci .ci
COPY frontend frontend
RUN make ui
COPY app app
COPY alembic alembic
COPY collectors collectors
RUN make wheel
RUN make image PREFIX=/opt/ioc

FROM python:3.11-slim-bookworm
# The account exists before the first start: PostgreSQL refuses root and an unknown user alike.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/ioc ioc
COPY --from=build /opt/ioc /opt/ioc
ENV PATH=/opt/ioc/bin:$PATH IOC_DATA_DIR=/var/lib/ioc IOC_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
USER ioc
# The only place written to: the root may be read-only.
VOLUME /var/lib/ioc
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["ioc", "health"]
ENTRYPOINT ["ioc"]
CMD ["serve"]
