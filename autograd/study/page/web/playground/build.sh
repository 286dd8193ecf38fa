#!/bin/sh
# Makes library.js, the engine and autograd/study/play as WebAssembly within one script, and library.sources, the hashes of
# all that it was made of, by which a test tells that it is older. Needs Debian's emscripten; objects are kept in the
# folder given, if one is.
#
#     sh autograd/study/page/web/playground/build.sh [folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../../../.."
folder=autograd/study/page/web/playground

objects=${1:-$(mktemp -d)}
if [ $# -eq 0 ]; then trap 'rm -rf "$objects"' EXIT; fi
mkdir -p "$objects/include"
# The header-only libraries alone: the rest of /usr/include is that of another machine.
for library in fmt xsimd xtensor xtl; do ln -sfn "/usr/include/$library" "$objects/include/$library"; done

sources=$(ls autograd/*.cpp autograd/kernels/*.cpp autograd/kernels/products/*.cpp autograd/record/*.cpp autograd/sweep/*.cpp autograd/map/*.cpp \
    autograd/ops/*.cpp autograd/study/graph/*.cpp autograd/study/jacobian/*.cpp autograd/study/flow/*.cpp \
    autograd/study/play/*.cpp "$folder"/stand_ins/*.cpp "$folder"/entry.cpp |
    grep -v ^autograd/study/jacobian/decompositions.cpp)  # LAPACK; there is a stand-in

cat > "$objects/Makefile" <<END
flags := -std=c++20 -O2 -fwasm-exceptions -msimd128 -msse4.2 -ffp-contract=off -DFMT_HEADER_ONLY
flags += -I$folder/stand_ins -I. -isystem $objects/include
objects := \$(patsubst %.cpp,$objects/%.o,$(echo $sources))
$objects/library.js: \$(objects)
	em++ -O2 -fwasm-exceptions \$^ -o \$@ -s SINGLE_FILE=1 -s MODULARIZE=1 -s EXPORT_NAME=tapeloopLibrary -s ENVIRONMENT=web \\
	  -s FILESYSTEM=0 -s ALLOW_MEMORY_GROWTH=1 -s EXPORTED_FUNCTIONS=_malloc,_free \\
	  -s EXPORTED_RUNTIME_METHODS=UTF8ToString,stringToUTF8,lengthBytesUTF8
$objects/%.o: %.cpp
	@mkdir -p \$(@D)
	em++ \$(flags) -MMD -c \$< -o \$@
-include \$(objects:.o=.d)
END
export NODE_PATH="${NODE_PATH:-/usr/share/nodejs}"  # where Debian has what emscripten asks of Node
make -s -j"${JOBS:-2}" -f "$objects/Makefile"
cp "$objects/library.js" "$folder/library.js"

# What the compiler has read, but for other libraries.
for source in $sources; do cat "$objects/${source%.cpp}.d"; done | tr -s ' \\\n' '\n' |
    sed 's|^\./||' | grep "^autograd/" | sort -u > "$objects/read"
echo "$folder/build.sh
$folder/library.js" | cat - "$objects/read" | xargs sha256sum > "$folder/library.sources"
