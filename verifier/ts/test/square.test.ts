import { testTable } from "./table.js";

testTable("square");
