/** Bytes as text, for a body that is JSON. */

/** @param {Blob} blob @returns {Promise<string>} */
export function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).replace(/^[^,]*,/, "")));
    reader.addEventListener("error", () => reject(new Error("The picture cannot be read any more. Choose it again.")));
    reader.readAsDataURL(blob);
  });
}
