# Takes from a built checkout what only building needs. Runs in the image's build stage, in the checkout.
set -eu
ours() { find . -name node_modules -prune -o -path ./cli/templates -prune -o "$@"; }
ours -type d \( -name src -o -name native -o -name history \) -print0 | xargs -0 rm -rf
ours -type f \( -name '*.d.ts' -o -name '*.map' -o -name 'tsconfig*.json' -o -name .tsbuildinfo \) -print0 | xargs -0 rm -f
find collector/build -mindepth 1 -maxdepth 1 ! -name syscribe_native.node ! -name capture.bpf.o -exec rm -rf {} +
strip --strip-unneeded collector/build/syscribe_native.node
rm -rf bpf tests infra/kafka infra/image/strip.sh node_modules/@syscribe/tests node_modules/@syscribe/test-broker
rm -rf node_modules/node-addon-api node_modules/node-api-headers
# Of other people's packages: declarations and maps; never a licence.
find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
