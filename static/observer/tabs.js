// One tab rates at a time: the latest claims the study, the others stand aside until asked back.

import { randomKey } from "./api.js";

export class Tabs {
  constructor(owner, onLost) {
    this.name = randomKey();
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel(`dermiqa-${owner}`) : null;
    if (this.channel) {
      this.channel.onmessage = (message) => {
        if (message.data !== this.name) {
          onLost();
        }
      };
    }
  }

  claim() {
    this.channel?.postMessage(this.name);
  }
}
