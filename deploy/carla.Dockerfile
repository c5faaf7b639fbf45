# A slot on a GPU host: CARLA's own image with synthgen beside the server. The server is a child of
# the slot's worker in this container, on its loopback: nothing is published.
#   docker build -f deploy/carla.Dockerfile -t synthgen-carla .
#   docker run --rm --gpus device=0 --shm-size=256m -v "$PWD/out:/data" synthgen-carla \
#       generate /opt/synthgen/configs/generation/carla.yaml --out /data/town10
FROM carlasim/carla:0.9.16

USER root
ENV DEBIAN_FRONTEND=noninteractive \
    NVIDIA_DRIVER_CAPABILITIES=graphics,utility,compute \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL=minor \
    UV_PYTHON_INSTALL_DIR=/opt/python \
    PATH=/opt/venv/bin:$PATH
# The base image's Python may be too old; uv brings a stand-alone 3.11, which Ray takes for that of
# the head whatever its patch. KubeRay's probes call wget.
# Packages without versions: a pin breaks with the distribution's next mend.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 libvulkan1 python3-pip wget \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m pip install --no-cache-dir "uv>=0.9,<0.10" \
    && uv venv --python 3.11 /opt/venv

WORKDIR /opt/synthgen
COPY requirements.lock .
# Workers need the same Ray as the head, where jobs come in through the dashboard.
RUN uv pip install --python /opt/venv/bin/python --no-cache -r requirements.lock \
    && uv pip install --python /opt/venv/bin/python --no-cache -c requirements.lock "ray[default]"
COPY . .
RUN uv pip install --python /opt/venv/bin/python --no-cache --no-deps -e . \
    && chmod -R a+rX /opt/synthgen /opt/python

# CARLA refuses to run as root.
USER carla
# Label kernels are compiled once here instead of in every pod's first clip.
RUN python -m synthgen.labels.warmup
ENTRYPOINT ["synthgen"]
CMD ["doctor", "--carla", "/home/carla/CarlaUE4.sh"]
