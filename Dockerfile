# Untested: it was written where Docker was not to be had.
#
# For the CPU: docker build -t multigan .
# For a GPU:   docker build -t multigan --build-arg BASE=IMAGE .
#              docker run --gpus all …
# where IMAGE is PyTorch's own of torch 2.11 to 2.14 with CUDA; pip then leaves its torch as it is.
# To keep the CPU's image small, let IMAGE be one that has the CPU build of torch: PyTorch's own page tells the command.
ARG BASE=python:3.12-slim
FROM ${BASE}

WORKDIR /opt/multigan
COPY . .
RUN pip install --no-cache-dir ".[demo]"

# Runs and what is kept of data lie in the folder that is mounted.
ENV MULTIGAN_CACHE=/data/.multigan-cache
WORKDIR /data
ENTRYPOINT ["multigan"]
CMD ["--help"]
