# The one image of all services but Postgres: the libraries of requirements-stack.lock, and tuneyard as a wheel.
FROM python:3.11-slim-bookworm AS build

ENV UV_COMPILE_BYTECODE=1 \
    UV_NO_CACHE=1
WORKDIR /build

# uv and setuptools are tools of the build alone; like everything else they come from a lock, version and hashes.
COPY requirements.lock requirements-stack.lock ./
RUN sed -n -e '/^setuptools==/,/[^\\]$/p' -e '/^uv==/,/[^\\]$/p' requirements.lock >tools.txt \
 && python -m venv tools \
 && tools/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r tools.txt \
 && tools/bin/uv venv --python /usr/local/bin/python /opt/tuneyard

# Address of an index with CPU builds of torch and torchvision. With it both come from there, at the versions of the
# lock but without its hashes, and the CUDA libraries are left out.
ARG TORCH_INDEX=
RUN install="tools/bin/uv pip install --python /opt/tuneyard/bin/python --no-deps" \
 && if [ -z "$TORCH_INDEX" ]; then \
      $install --require-hashes -r requirements-stack.lock; \
    else \
      awk '/^[^ #]/ { keep = !/^(torch|torchvision|triton|nvidia-[^=]+|cuda-[^=]+)==/ } keep' \
        requirements-stack.lock >libraries.txt \
      && $install --require-hashes -r libraries.txt \
      && $install --index-url "$TORCH_INDEX" \
        $(sed -nE 's/^(torch(vision)?==[^ ]+).*/\1/p' requirements-stack.lock); \
    fi \
 && tools/bin/uv pip check --python /opt/tuneyard/bin/python

# In a folder of its own, so that a change of the project leaves the layer of the libraries as it is.
COPY pyproject.toml README.md LICENSE ./
COPY datasets datasets
COPY search search
COPY spaces spaces
COPY trainables trainables
RUN tools/bin/uv build --wheel --no-build-isolation --python tools/bin/python --out-dir dist \
 && tools/bin/uv pip install --python /opt/tuneyard/bin/python --no-deps --prefix /opt/project dist/*.whl


FROM python:3.11-slim-bookworm

# New named volumes take the owner of the folder that they are mounted on.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin tuneyard \
 && install -d -o tuneyard -g tuneyard /searches /data /cache /mlartifacts
COPY --from=build /opt/tuneyard /opt/tuneyard
COPY --from=build /opt/project /opt/tuneyard

ENV PATH=/opt/tuneyard/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=true \
    TUNEYARD_STORAGE=/searches \
    TUNEYARD_DATA=/data \
    TUNEYARD_TASKS=/tasks \
    TUNEYARD_CACHE=/cache
USER tuneyard
WORKDIR /home/tuneyard
CMD ["tuneyard", "--help"]
