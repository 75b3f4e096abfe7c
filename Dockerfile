FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --bin reskontro && cp target/release/reskontro /reskontro

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
  && useradd --system --home /var/lib/reskontro --create-home reskontro
COPY --from=build /reskontro /usr/local/bin/reskontro
USER reskontro
WORKDIR /var/lib/reskontro
ENV RESKONTRO__HTTP__BIND=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["reskontro"]
CMD ["serve"]
