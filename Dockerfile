# Build: everything development needs, on the same Debian as the final image.
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json buf.yaml buf.gen.yaml tsconfig.json ./
COPY protos protos
COPY src src
# `npm ci` ends with the generation of the protobuf code, which needs no network of its own.
RUN npm ci && npm run build && npm prune --omit=dev --ignore-scripts

# Run: Node, the emitted JavaScript and what it imports. No package manager, no compiler, no source.
FROM ${NODE_IMAGE}
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* \
    /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
WORKDIR /opt/capstan
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY LICENSE ./
ENV NODE_ENV=production
# Nothing under /opt/capstan is written: the root file system can be mounted read-only. The journal
# and the sockets live in volumes that the configuration names.
USER 65532:65532
EXPOSE 15012 15014
# Without the switch SIGUSR1 would open the debugger before the program can say no.
ENTRYPOINT ["node", "--disable-sigusr1", "/opt/capstan/dist/main.js"]
CMD ["serve", "--config", "/etc/capstan/capstan.yaml"]
