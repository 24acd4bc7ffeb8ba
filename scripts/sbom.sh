#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the bill of materials (SPDX 2.3, JSON) of the image whose files lie in FOLDER: kmeans, and the
# Debian packages that its files are from, as the package database of this machine knows them.
#
#   scripts/sbom.sh FOLDER >kmeans.spdx.json
set -euo pipefail

folder=${1:?usage: scripts/sbom.sh FOLDER}
version=$("$folder/usr/bin/kmeans" --version | sed 's/^kmeans //')
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)
# shellcheck source=/dev/null # is in the image
release=$(. "$folder/etc/os-release" && echo "$ID-$VERSION_ID")
content=$(cd "$folder" && find . -type f -exec sha256sum {} + | sort -k 2 | sha256sum | cut -c 1-64)

# id NAME: as SPDX allows it.
id() {
    printf 'SPDXRef-Package-%s' "${1//[^A-Za-z0-9.-]/-}"
}

# package NAME VERSION ARCHITECTURE SOURCE SOURCE_VERSION MAINTAINER
package() {
    local purl=pkg:deb/debian/${1//+/%2B}@${2//+/%2B}
    purl=${purl//:/%3A}
    purl="pkg:${purl#pkg%3A}?arch=$3&distro=$release"
    printf '    {"SPDXID": "%s", "name": "%s", "versionInfo": "%s",\n' "$(id "$1")" "$1" "$2"
    printf '     "supplier": "Organization: %s",\n' "${6//\"/}"
    printf '     "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n'
    printf '     "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",\n'
    printf '     "comment": "licence: usr/share/doc/%s/copyright in the image",\n' "$1"
    printf '     "sourceInfo": "Debian source package %s %s",\n' "$4" "$5"
    printf '     "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "%s"}]},\n' "$purl"
}

names=()
for path in "$folder"/var/lib/dpkg/status.d/*; do
    names+=("$(basename "$path")")
done

cat <<JSON
{
  "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
  "name": "kmeans-$version", "documentNamespace": "https://spdx.org/spdxdocs/kmeans-$version-$content",
  "creationInfo": {"created": "$created", "creators": ["Tool: scripts/sbom.sh"]},
  "documentDescribes": ["SPDXRef-Package-kmeans"],
  "packages": [
JSON
for name in "${names[@]}"; do
    # shellcheck disable=SC2016 # dpkg-query fills these in
    format='${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Maintainer}\n'
    IFS=$'\t' read -r v arch source source_version maintainer < <(dpkg-query -W -f "$format" "$name")
    package "$name" "$v" "$arch" "$source" "$source_version" "$maintainer"
done
cat <<JSON
    {"SPDXID": "SPDXRef-Package-kmeans", "name": "kmeans", "versionInfo": "$version",
     "downloadLocation": "NOASSERTION", "filesAnalyzed": false,
     "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
     "primaryPackagePurpose": "CONTAINER"}
  ],
  "relationships": [
JSON
for name in "${names[@]}"; do
    printf '    {"spdxElementId": "SPDXRef-Package-kmeans", "relationshipType": "CONTAINS", "relatedSpdxElement": "%s"},\n' "$(id "$name")"
done
cat <<JSON
    {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-Package-kmeans"}
  ]
}
JSON
