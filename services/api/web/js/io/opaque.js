/**
 * Pictures as the server reads them: opacity dropped, colours as they are stored. What is on view must be what a change is
 * made from, or more than the change differs at the first exchange.
 */

import { isCmykJpeg } from "../pure/jpeg.js";
import { isPng, opaquePng } from "../pure/png.js";
import { hasWebpOpacity } from "../pure/webp.js";

/** @typedef {{bitmap: ImageBitmap, isExact: boolean}} Read `isExact`: false where the server reads it in another way */

/**
 * @param {Blob} blob
 * @returns {Promise<Read>} oriented as its EXIF says
 * @throws {Error} where it is no picture
 */
export async function readOpaque(blob) {
  const start = new Uint8Array(await blob.slice(0, 32).arrayBuffer());
  if (isPng(start)) return readPng(blob);
  if (!hasWebpOpacity(start)) {
    const isCmyk = isCmykJpeg(new Uint8Array(await blob.arrayBuffer()));
    return { bitmap: await createImageBitmap(blob), isExact: !isCmyk };
  }
  const raw = await createImageBitmap(blob, { premultiplyAlpha: "none" });
  const pixels = storedColours(raw);
  return pixels ? { bitmap: await createImageBitmap(pixels), isExact: true } : { bitmap: raw, isExact: false };
}

/** @param {Blob} blob @returns {Promise<Read>} */
async function readPng(blob) {
  try {
    const opaque = await opaquePng(new Uint8Array(await blob.arrayBuffer()));
    return { bitmap: await createImageBitmap(opaque ? new Blob([opaque], { type: "image/png" }) : blob), isExact: true };
  } catch {
    // Damaged, which the server will say as well; or this browser is too old to unpack it.
    return { bitmap: await createImageBitmap(blob), isExact: "DecompressionStream" in window };
  }
}

/**
 * Colours that no opacity was multiplied into. A canvas for drawing has none such; one for WebGL hands them through.
 * @param {ImageBitmap} bitmap decoded without multiplying
 * @returns {ImageData | null} opaque; null where there is no WebGL, or none for pictures of this size
 */
function storedColours(bitmap) {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl");
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return null;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  const pixels = new ImageData(width, height);
  const bytes = new Uint8Array(pixels.data.buffer);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  const worked = gl.getError() === gl.NO_ERROR && !gl.isContextLost();
  gl.getExtension("WEBGL_lose_context")?.loseContext(); // a browser has few of them
  if (!worked) return null;
  for (let at = 3; at < bytes.length; at += 4) bytes[at] = 255;
  return pixels;
}
