/** What the gaze comes from: the server's choice, followed here, and made here too. */

import { sentenceOf } from "../io/api.js";
import { notify } from "../ui/notices.js";

/**
 * @typedef {object} SourceOptions
 * @property {import("../io/api.js").Api} api
 * @property {() => import("./display.js").TrialDisplay} display
 * @property {import("./looking.js").Looking} looking
 * @property {import("./dock.js").Dock} dock
 * @property {() => void} onKnown
 */

export class Source {
  /** @param {SourceOptions} options */
  constructor(options) {
    this._options = options;
  }

  /** It is known anew, about once a second. */
  follow() {
    const { display, looking, dock, onKnown } = this._options;
    const { source } = display();
    if (!source) return;
    looking.source = source.source;
    const asked = looking.takeAsked();
    if (asked !== null) void this.choose(asked);
    dock.follow(source.source);
    onKnown();
  }

  /** Have another one chosen. @param {string} source */
  async choose(source) {
    const { api, display, dock } = this._options;
    try {
      display().source = await api.chooseSource(source);
    } catch (error) {
      notify(sentenceOf(error), { kind: "error" });
      dock.restore();
    }
    this.follow();
  }
}
