/** Where the server is, as this browser sees it: a proxy may have put a prefix before all paths. */

/**
 * @param {string} path from the server's root: `/session/list`
 * @returns {URL} beside this page, which is the root
 */
export function addressOf(path) {
  return new URL(path.slice(1), new URL(".", document.baseURI));
}
