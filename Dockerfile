# SPDX-License-Identifier: Apache-2.0
# The image that is named as TrainingImage: exactly the files that run, and nothing else. docs/image.md.
#
#   docker build -t kmeans .        any builder, also the classic one
#   scripts/image.sh                the same, its SBOM beside it, and its size
ARG BASE=debian:trixie-slim

FROM ${BASE} AS packages
WORKDIR /src
COPY scripts/install.sh scripts/
RUN scripts/install.sh build && rm -rf /var/lib/apt/lists/*

FROM packages AS build
# Another value: kmeans is built again, from the same packages (the tests compare the two).
ARG REBUILD=
COPY . .
RUN cmake --preset release -DKM_WERROR=ON -DCMAKE_SKIP_RPATH=ON && cmake --build --preset release --target kmeans -j "$(nproc)"
ARG SOURCE_DATE_EPOCH=1764547200
RUN scripts/image_blas.sh build/image && \
    scripts/image_files.sh build/kmeans build/image/libopenblas.so.0 /image && \
    scripts/sbom.sh /image >/kmeans.spdx.json

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=2025-12-01T00:00:00Z
LABEL org.opencontainers.image.title="kmeans" \
      org.opencontainers.image.description="K-means as a training container: a native replacement for the Amazon SageMaker built-in algorithm" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
ENTRYPOINT ["/usr/bin/kmeans"]
CMD ["train"]
