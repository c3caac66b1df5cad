# The service alone: no compiler, no package manager's cache, not root.

FROM python:3.13-slim AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/stackmeter \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
# Dependencies change less often than code, and so have a layer of their own.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra cluster --no-install-project
COPY . .
RUN uv sync --locked --no-dev --extra cluster --no-editable

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Stackmeter" \
      org.opencontainers.image.description="Meter and stack-sensor readings of industrial parks, as tonnes of CO2e" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# A new volume takes owner and mode of the folder it is mounted on.
RUN groupadd --system --gid 10001 stackmeter \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin stackmeter \
    && install -d -o 10001 -g 10001 -m 0700 /state
COPY --from=build /opt/stackmeter /opt/stackmeter
ENV PATH="/opt/stackmeter/bin:$PATH" \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["stackmeter"]
CMD ["--help"]
