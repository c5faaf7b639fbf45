# One image for the driver and for slots of the embedded server: CPU only, nothing listens outside.
#   docker build -f deploy/embedded.Dockerfile -t synthgen .
#   docker run --rm --shm-size=256m -v "$PWD/out:/data" synthgen generate --out /data/quickstart
FROM python:3.11-slim-bookworm

# libgomp for Embree and scikit-learn; open3d's libGL and libX11 only for point-cloud exports;
# KubeRay's probes call wget in the container (kuberay#2063).
# Packages without versions: Debian keeps one of each, a pin breaks with the next mend.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 libgl1 libx11-6 wget \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/synthgen
COPY requirements.lock .
# On a cluster the job is submitted through Ray's dashboard, which the bare wheel lacks.
RUN pip install --no-cache-dir -r requirements.lock \
    && pip install --no-cache-dir -c requirements.lock "ray[default]"
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && useradd --create-home --uid 1000 synthgen

# By its number, which `runAsNonRoot` of Kubernetes can judge.
USER 1000
# Ray refuses nodes whose Python differs in the patch, as that of the CARLA image may.
ENV RAY_USAGE_STATS_ENABLED=0 \
    RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL=minor
# Compiled kernels are cached per user: paid once here instead of in every container.
RUN python -m synthgen.simserver warmup \
    && python -m synthgen.labels.warmup
ENTRYPOINT ["synthgen"]
CMD ["generate", "--out", "/tmp/quickstart"]
