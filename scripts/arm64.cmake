# Cross build for arm64 on Debian: the cross compiler of the distribution, and the libraries that
# scripts/arm64.sh has unpacked into KM_SYSROOT (nothing of them is installed).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES KM_SYSROOT)
set(CMAKE_SYSROOT ${KM_SYSROOT})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;${KM_SYSROOT})

set(CMAKE_FIND_ROOT_PATH ${KM_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# pkg-config knows only the unpacked libraries. Where several packages offer one library Debian links
# the chosen one; unpacked packages have only their own folders.
set(KM_LIB ${KM_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${KM_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${KM_LIB}/pkgconfig:${KM_SYSROOT}/usr/share/pkgconfig:${KM_LIB}/openblas-pthread/pkgconfig:${KM_LIB}/openmpi/lib/pkgconfig)
