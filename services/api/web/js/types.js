/** The shapes of the API's answers, for the type checker: this file holds no code. */

/**
 * @typedef {object} Entry one recorded frame
 * @property {number} index
 * @property {string} filename
 * @property {string} target_sector
 * @property {string | null} [focus_sector]
 * @property {string} [prompt]
 * @property {number} timestamp Unix seconds
 * @property {number | string | null} [seed] a string where it is too large for a number of JavaScript
 * @property {number | null} [steps]
 * @property {number | null} [strength]
 * @property {number | null} [guidance_scale]
 * @property {number | null} [grid_size]
 * @property {[number, number, number, number] | null} [region]
 * @property {number | null} [generation_ms]
 * @property {number | null} [width]
 * @property {number | null} [height]
 * @property {{id?: string} | null} [model]
 * @property {string | null} [sha256]
 * @property {{object?: string, fallback?: string}} [notes] what the model made of the prompt, and what it left undone
 * @property {string} [damaged] why it cannot be understood; it has its index and its file then, and little else
 */

/**
 * @typedef {object} EntryPage
 * @property {string} session_id
 * @property {number} created_at
 * @property {number} total
 * @property {number} from
 * @property {Entry[]} entries
 * @property {number[]} offsets_s when each of them comes in a replay: seconds since the first of the session, never falling
 * @property {number} round_s seconds from the first frame until it comes again
 * @property {string} [damaged] why what follows the last entry cannot be read
 */

/**
 * @typedef {object} SessionListed
 * @property {string} id
 * @property {number} created_at
 * @property {number | null} frames null where the metadata needs repair
 * @property {number} bytes
 * @property {boolean} active
 */

/**
 * @typedef {object} SessionStatus
 * @property {string | null} session_id
 * @property {number} recorded
 * @property {number} pending
 * @property {string | null} [error]
 * @property {string | null} [stopped] where none is active: the one that somebody stopped last
 */

/**
 * @typedef {object} ProcessHealth
 * @property {string} state
 * @property {string | null} [detail]
 * @property {number} [queue]
 * @property {string | null} [running]
 * @property {string} [epoch] of the generator, as what follows
 * @property {{id: string, revision?: string, files_sha256?: string | null} | null} [model]
 * @property {Loading | null} [loading]
 * @property {string | null} [advice] what is to be known of how the model was loaded
 */

/**
 * @typedef {object} Loading a model on its way
 * @property {string} model
 * @property {string} detail a sentence
 * @property {number} done_bytes
 * @property {number} bytes 0 where nothing is fetched
 */

/**
 * @typedef {object} ModelState
 * @property {string | null} name of the model that makes frames
 * @property {{id: string} | null} model
 * @property {Loading | null} loading
 * @property {string | null} failure why the last one that was asked for did not come
 * @property {string[]} choices
 * @property {string[]} resident those in memory
 */

/**
 * @typedef {object} Health
 * @property {string} status ok, starting or degraded
 * @property {string[]} [reasons]
 * @property {Record<string, ProcessHealth>} processes
 * @property {Loading | null} [loading]
 * @property {{session_id: string, created_at: number, recorded: number, pending: number} | null} [session]
 * @property {{waiting: number | null, limit: number}} [queue]
 * @property {{state: string, free_bytes: number | null}} [disk]
 */

/** @typedef {{name: string, file: string, title: string}} Sample */

/**
 * @typedef {object} GazeStatus where the gaze comes from
 * @property {string} source
 * @property {string} state waiting, running, silent, ended or failed
 * @property {string | null} [detail]
 * @property {number | null} [rate_hz]
 * @property {number | null} [loss]
 */

/**
 * @typedef {object} TrialState as `/trial` and the display's connection tell it
 * @property {string | null} trial_id
 * @property {string} state none, running, complete or interrupted
 * @property {string | null} session_id
 * @property {string | null} view
 * @property {string | null} display
 * @property {string | null} picture_sha256
 * @property {string | null} phase
 * @property {string | null} focus
 * @property {string | null} target
 * @property {string | null} pending_sha256
 * @property {string | null} pending_frame
 * @property {import("./pure/preparations.js").Listed[]} [prepared] the changes that are made ahead
 * @property {TrialConfig} config
 */

/**
 * @typedef {object} TrialConfig
 * @property {import("./pure/sectors.js").GridSize} [grid_size]
 * @property {{name: string, keys?: string[]}} [trigger]
 * @property {{session_id: string} | null} [session]
 * @property {string} [picture_sha256]
 * @property {Record<string, unknown>} [fields]
 */

/**
 * @typedef {object} TrialMessage a step of a trial: the fields of `trial` stand in `details`, of others beside the rest
 * @property {string} type trial, swap or displayed
 * @property {string} trial_id
 * @property {string} step
 * @property {string} step_id
 * @property {string | null} caused_by
 * @property {any} [details]
 * @property {number | null} [latency_ms]
 * @property {string} [kind]
 * @property {string} [sha256]
 */

/**
 * @typedef {object} LiveEvent what comes over the WebSocket; more fields by type
 * @property {string} type
 * @property {string} [session_id]
 * @property {string | null} [client_id]
 * @property {string} [request_id]
 * @property {number} [step]
 * @property {number} [steps]
 * @property {number} [queue]
 * @property {string} [state]
 */

export {};
