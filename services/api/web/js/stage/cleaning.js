/** When the controls go away, so that nothing but the picture is looked at. */

/** A person who looks at the picture for so long is done with the controls. */
const CLEAN_AFTER_MS = 3_500;

export class Cleaning {
  /** @param {{isBusy: () => boolean, clean: () => void}} options `isBusy`: whether somebody needs the controls just then */
  constructor({ isBusy, clean }) {
    this._isBusy = isBusy;
    this._clean = clean;
    this._timer = 0;
  }

  /** The viewer looks at the picture, or no longer. @param {boolean} isAtPicture */
  look(isAtPicture) {
    if (!isAtPicture) this.stop();
    else if (!this._timer) this._plan();
  }

  /** Nothing goes away by itself, until the picture is looked at again. */
  stop() {
    this._timer = Number(clearTimeout(this._timer)) || 0;
  }

  _plan() {
    this._timer = window.setTimeout(() => {
      if (!this._isBusy()) this._clean();
    }, CLEAN_AFTER_MS);
  }
}
