# The base: Debian bookworm with Node, the line that package.json develops with. There is no default, and no digest is written
# here by hand: `.ci/release` demands name@sha256:… and hands it in.
ARG NODE_IMAGE

# Build: everything development needs.
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json buf.yaml buf.gen.yaml tsconfig.json ./
COPY protos protos
COPY src src
# `npm ci` ends with the generation of the protobuf code, which needs no network of its own.
RUN npm ci && npm run build && npm prune --omit=dev --ignore-scripts
# The final image is this folder and nothing else. Its layout is in one script, which a test runs without a container engine.
COPY LICENSE ./
COPY .ci/image-root .ci/image-root
RUN .ci/image-root "$(command -v node)" /image

# Run: Node, the libraries it is linked with, the emitted JavaScript and what it imports. No shell, no package manager, no
# compiler, no source, nothing of the base but these.
FROM scratch
COPY --from=build /image /
WORKDIR /opt/capstan
ENV NODE_ENV=production
# Nothing under /opt/capstan is written: the root file system can be mounted read-only. The journal
# and the sockets live in volumes that the configuration names.
USER 65532:65532
EXPOSE 15012 15014
# Without the switch SIGUSR1 would open the debugger before the program can say no.
ENTRYPOINT ["/opt/capstan/node", "--disable-sigusr1", "/opt/capstan/dist/main.js"]
CMD ["serve", "--config", "/etc/capstan/capstan.yaml"]
