/** Flashing light can set off a seizure: nobody gets to it unwarned. */

import { savePreferences } from "../io/prefs.js";
import { CLASSIC, GENTLE, flashesPerSecond } from "../pure/flicker.js";
import { ask } from "../ui/dialog.js";
import { wantsLessMotion } from "../ui/motion.js";

/**
 * Ask, unless this person has agreed before (and has not asked their system for less motion).
 * @param {import("../io/prefs.js").Preferences} preferences
 * @returns {Promise<boolean>}
 */
export async function mayFlicker(preferences) {
  if (preferences.flickerAccepted && !wantsLessMotion()) return true;
  const rate = flashesPerSecond(wantsLessMotion() ? GENTLE : CLASSIC).toFixed(1);
  const isSure = await ask({
    title: "This flickers",
    text: `The picture goes blank ${rate} times a second, for as long as the mode is on. Do not use it if flashing light can harm you or somebody who looks on. Any other mode ends it.`,
    confirm: "Flicker",
  });
  if (isSure) {
    preferences.flickerAccepted = true;
    savePreferences(preferences);
  }
  return isSure;
}
