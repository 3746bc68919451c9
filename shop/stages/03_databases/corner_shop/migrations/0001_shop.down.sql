DROP TABLE entries, order_lines, orders, products;
