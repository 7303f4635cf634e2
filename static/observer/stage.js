// The place of the picture: room for it, whether it fits, and the canvas on it.

import { cssSize, draw, place, replication } from "./canvas.js";

export class Stage {
  constructor(page, settings) {
    this.page = page;
    this.box = page.querySelector("#stage");
    this.canvas = page.querySelector("#picture");
    this.scale = page.querySelector("#controls");
    this.settings = settings;
    this.ratio = window.devicePixelRatio;
    this.bitmap = null;
  }

  get copies() {
    const { measured, high } = this.settings;
    return replication(window.devicePixelRatio, measured, high);
  }

  /** Pixels of the picture per degree of the eye, or null where the display was not measured. */
  get pixelsPerDegree() {
    const { measured } = this.settings;
    return measured > 0 ? measured / this.copies : null;
  }

  /** Keep the room of the largest picture, so that the scale stands still; less where the window is low. */
  arrange() {
    const ratio = window.devicePixelRatio;
    const wanted = (this.settings.room * this.copies) / ratio;
    const free = window.innerHeight - this.scale.offsetHeight;
    this.box.style.height = `${Math.max(0, Math.floor(Math.min(wanted + 2, free)))}px`;
  }

  /** What an item needs and what the window has, in device pixels: {fits, needs: [w, h], has: [w, h]}. */
  measure(item) {
    const ratio = window.devicePixelRatio;
    const size = cssSize(item.width, item.height, this.copies, ratio);
    const below = this.scale.offsetHeight;
    const needs = [Math.max(size.width, this.scale.scrollWidth > window.innerWidth ? this.scale.scrollWidth : 0), size.height + below];
    const has = [window.innerWidth, window.innerHeight];
    const fits = needs[0] <= has[0] + 0.5 && needs[1] <= has[1] + 0.5;
    return { fits, needs: needs.map((side) => Math.ceil(side * ratio)), has: has.map((side) => Math.floor(side * ratio)) };
  }

  show(bitmap) {
    this.bitmap = bitmap;
    this.ratio = window.devicePixelRatio;
    this.arrange();
    draw(this.canvas, bitmap, this.copies);
    place(this.canvas, this.box, this.ratio);
    this.canvas.hidden = false;
  }

  /** Lay the picture again after the window or the zoom changed. */
  again() {
    this.arrange();
    if (this.bitmap && !this.canvas.hidden) {
      this.show(this.bitmap);
    }
  }

  clear() {
    this.canvas.hidden = true;
    this.bitmap = null;
  }
}
