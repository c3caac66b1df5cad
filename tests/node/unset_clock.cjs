// Loaded before a program: until a file is there, its clock shows some time on the first of January 1970.
'use strict';

const { existsSync } = require('node:fs');
const now = Date.now;
Date.now = () => (existsSync(process.env.CLOCK_IS_SET) ? now() : now() % 86_400_000);
